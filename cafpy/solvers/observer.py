"""What a solver tells those who watch it. The solver itself prints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cafpy.snapshot.load_report import LoadReport
    from cafpy.solvers.solver import Solver


@dataclass(frozen=True)
class Output:
    """One output blob of a net.

    Attributes:
        name: the blob's name.
        values: its numbers, flat.
        loss_weight: what they count in the loss; 0 when they are no loss.
    """

    name: str
    values: np.ndarray
    loss_weight: float


@dataclass(frozen=True)
class Display:
    """What is shown every ``display`` iterations, before the parameters are changed.

    Attributes:
        iteration: counted from 0.
        loss: mean over the last ``average_loss`` iterations.
        rate: learning rate of this iteration.
        outputs: the train net's, of the last forward pass.
        iterations, seconds: how many iterations ended since the last display, and how long they took.
    """

    iteration: int
    loss: float
    rate: float
    outputs: list[Output]
    iterations: int
    seconds: float


@dataclass(frozen=True)
class Scores:
    """Means over the ``test_iter`` passes of one test.

    Attributes:
        iteration: of the train net.
        outputs: the test net's.
        loss: its loss, or None unless ``test_compute_loss``.
    """

    iteration: int
    outputs: list[Output]
    loss: float | None


class Observer:
    """Base of those who watch a solver; every method does nothing unless overridden."""

    def on_note(self, solver: Solver, text: str) -> None:
        """Something the user should know, in one sentence."""

    def on_start(self, solver: Solver) -> None:
        """``solve`` begins at ``solver.iteration``."""

    def on_test_start(self, solver: Solver, index: int) -> None:
        """Test net ``index`` is about to run."""

    def on_test(self, solver: Solver, index: int, scores: Scores) -> None:
        """Test net ``index`` has run."""

    def on_display(self, solver: Solver, display: Display) -> None:
        """A multiple of ``display`` iterations is reached."""

    def on_debug_info(self, solver: Solver, line: str) -> None:
        """One line of ``debug_info``, in the order of computation."""

    def on_lr_step(self, solver: Solver, step: int) -> None:
        """Policy step or multistep has taken its ``step``-th step in this iteration."""

    def on_iteration(self, solver: Solver) -> None:
        """An iteration is complete; ``solver.iteration`` counts it already."""

    def on_snapshot(self, solver: Solver, model: Path, state: Path) -> None:
        """Both files of a snapshot are written."""

    def on_weights(self, solver: Solver, report: LoadReport) -> None:
        """Weights have been copied from a file into the train net."""

    def on_restore(self, solver: Solver, state: Path) -> None:
        """A solver state has been restored."""

    def on_stop(self, solver: Solver) -> None:
        """``solve`` ends early because it was asked to."""

    def on_end(self, solver: Solver, loss: float | None) -> None:
        """``solve`` has reached max_iter; ``loss`` is the mean loss when it is due for display, else None."""
