"""Those who compete on a task: started, compared with each other, and given turns."""

from __future__ import annotations

import sys
import time

import numpy as np
from competitor import Competitor, Failed
from net_steps import Task

TURN, PAUSE = 0.5, 0.05  # seconds; OpenBLAS's and OpenMP's threads spin for up to some 30 ms after their last work


class Field:
    """Those who compete on a task; ``said`` is what is wrong with those who cannot."""

    def __init__(self, task: Task, budget: float, compare: bool, quiet: bool):
        """``budget``: seconds that torch.compile may take; ``compare``: outputs must agree before anybody is timed."""
        self.task, self.budget, self.compare, self.quiet = task, budget, compare, quiet
        self.ready: dict[str, Competitor] = {}
        self.said: dict[str, str] = {}
        self.wanted: np.ndarray | None = None

    def start(self, name: str) -> bool:
        """Make one ready: warm, and in agreement with cafpy."""
        competitor = Competitor(name, self.task, quiet=self.quiet)
        try:
            took = competitor.build(self.budget if name == "compile" else 600)
            if self.compare:
                self._compare(name, np.array(competitor.ask("output")))
        except Failed as error:
            self.said[name] = str(error)
            print(f"  {name}: {error}", file=sys.stderr)
            competitor.close()
            return False
        self.ready[name] = competitor
        print(f"  {name} ready after {took:.1f} s", file=sys.stderr)
        return True

    def _compare(self, name: str, output: np.ndarray) -> None:
        if name == "cafpy":
            self.wanted = output
        if self.wanted is None or self.task.training:  # Dropout draws at random, and weights have changed
            return
        off = np.abs(output - self.wanted).max() / np.abs(self.wanted).max()
        if not off < 1e-3:
            raise Failed(f"its output is off by {off:.1e} of the largest")

    def stop(self) -> None:
        """End all processes."""
        while self.ready:
            self.ready.popitem()[1].close()


def race(field: Field, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each step of each; turns of half a second or one step, until each has had three and its share."""
    times: dict[str, list[float]] = {name: [] for name in field.ready}
    end = time.perf_counter() + seconds
    while times and (time.perf_counter() < end or min(map(len, times.values())) < 3):
        for name in list(times):
            time.sleep(PAUSE)
            try:
                times[name] += field.ready[name].ask("turn", seconds=min(TURN, seconds / 4))
            except Failed as error:
                field.said[name] = str(error)
                del times[name]
    return times


def time_all(field: Field, names: list[str], seconds: float, alone: bool) -> dict[str, list[float]]:
    """The times of all that can be started, in turns or each alone."""
    if not alone:
        for name in names:
            field.start(name)
        return race(field, seconds)
    times = {}
    for name in names:
        if field.start(name):
            times |= race(field, seconds / len(names))
        field.stop()
    return times
