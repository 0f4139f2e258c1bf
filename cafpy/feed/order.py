"""A random order of a data set's records, a new one in each pass."""

from __future__ import annotations

import numpy as np

HELD = 2  # passes: where one ends and the next begins, both are asked for


class Order:
    """Permutations of 0 … count-1; the seed and the number of the pass fix them."""

    def __init__(self, count: int):
        self.count = count
        self._held: dict[tuple[int, int], np.ndarray] = {}

    def index(self, position: int, seed: int) -> int:
        """Which record stands at a position of the endless stream of passes."""
        turn, place = divmod(position, self.count)
        return int(self._of(seed, turn)[place])

    def indices(self, positions: np.ndarray, seed: int) -> np.ndarray:
        """:meth:`index` of many positions."""
        turns, places = np.divmod(positions, self.count)
        out = np.empty(len(positions), np.int64)
        for turn in np.unique(turns).tolist():
            of_turn = turns == turn
            out[of_turn] = self._of(seed, turn)[places[of_turn]]
        return out

    def _of(self, seed: int, turn: int) -> np.ndarray:
        key = (seed, turn)
        order = self._held.get(key)
        if order is None:
            order = np.random.default_rng(key).permutation(self.count)
            self._held = dict([*self._held.items(), (key, order)][-HELD:])
        return order
