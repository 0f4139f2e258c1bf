"""Solver: the training loop. Forward, backward, update; now and then test, display and snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cafpy.backend import Backend, CpuBackend
from cafpy.errors import SolverError
from cafpy.net import Net
from cafpy.ops.kernel.ahead import compile_ahead
from cafpy.ops.update import FlatParameters
from cafpy.passes.upgrade_solver import load_solver
from cafpy.proto.describe import place_of
from cafpy.snapshot.load_report import LoadReport
from cafpy.solvers.fields import check_fields
from cafpy.solvers.freeze import freeze
from cafpy.solvers.ignored_fields import ignored_fields
from cafpy.solvers.loss_check import check_learns
from cafpy.solvers.lr_policy import LearningRate
from cafpy.solvers.net_test import run_tests
from cafpy.solvers.net_test_passes import TestPasses, passes_of_tests
from cafpy.solvers.nets import NetFactory, chosen_seed
from cafpy.solvers.observer import Observer
from cafpy.solvers.places import told_with_places
from cafpy.solvers.progress import Progress, progress
from cafpy.solvers.records import with_max_iter
from cafpy.solvers.snapshots import check_writable, restore_snapshot, snapshot_prefix, write_snapshot
from cafpy.solvers.step import Step, due
from cafpy.solvers.trained_weights import load_listed_weights, load_trained_weights
from cafpy.solvers.update_rule import update_rule
from cafpy.solvers.watch import Watch
from cafpy.solvers.weight_average import WeightAverage


class Solver:
    """Trains a net as a SolverParameter says.

    Args:
        param: the SolverParameter, in today's format (:meth:`from_file` upgrades).
        folder: where the solver file lies; paths of nets are looked up from there too.
        seed: for fillers and random layers; by default random_seed, or a random one where that is below 0.
        observers: who is told what happens.
        allow_nan: go on when the loss is not finite any more.
        allow_no_loss: accept a train net that has no loss and so learns nothing.
        strict_weights: the files of the field ``weights`` must fit in all layers.
        fuse: let layers run as one, as :class:`Net` says.
        share_memory: let blobs of the nets that are never needed together use the same memory, as :class:`Net` says.

    Attributes:
        net, test_nets: the nets; the test nets use the train net's parameters.
        iteration: updates done so far.
        rate: the LearningRate.
        before_test: where the run stood before the test at ``iteration``, until the iteration that follows it: a
            snapshot meanwhile is as of then, since a resumed run does that test itself.
        watch: what follows from test results; average: the moving average of the weights, if one is kept.
        rule: the update rule; history: its arrays, laid out as ``flat.data``; flat: the parameters and gradients.

    Raises SolverError, NetError or WeightsError when it cannot be built.
    """

    def __init__(
        self,
        param: Any,
        folder: Path | None = None,
        backend: Backend | None = None,
        dtype: Any = np.float32,
        seed: int | None = None,
        observers: Sequence[Observer] = (),
        allow_nan: bool = False,
        allow_no_loss: bool = False,
        strict_weights: bool = False,
        share_memory: bool = False,
        fuse: bool = True,
    ):
        self.param = param
        check_fields(self.param)
        self.rule = update_rule(self.param)
        if self.param.snapshot or self.param.snapshot_best:
            check_writable(snapshot_prefix(self.param))
        self.backend = backend or CpuBackend()
        self.observers = list(observers)
        self.allow_nan = allow_nan
        self.seed = chosen_seed(self.param) if seed is None else seed
        self.iteration = 0
        self.before_test: Progress | None = None
        self._stop_requested = self._snapshot_requested = self._stopped = False
        factory = NetFactory(self.param, folder, self.backend, dtype, self.seed, share_memory, fuse)
        self.net = factory.train_net()
        backward = [node.layer for node in reversed(self.net.nodes) if node.needs_backward]
        compile_ahead((kernel for layer in backward for kernel in layer.backward_kernels), self.net.dtype)
        self.test_nets: list[Net] = []
        self.test_runs: list[TestPasses] = []
        try:
            if not allow_no_loss:
                check_learns(self.net)
            self.param = with_max_iter(self.param, self.net)
            self.rate = LearningRate(self.param)
            for field, why in ignored_fields(self.param):
                self.tell("on_note", f"{place_of(self.param, field)}{field} is ignored: {why}")
            frozen = freeze(self.net, self.param.freeze)
            if frozen:
                self.tell("on_note", f"Frozen: {', '.join(frozen)}")
            self._step = Step(self)
            self.test_nets = factory.test_nets(self.net)
            self.test_runs = passes_of_tests(self.param, self.test_nets)
            self.watch = Watch(self.param, self.test_nets)
            load_listed_weights(self, factory, strict_weights)
        except BaseException:
            self.close()
            raise
        self.flat = FlatParameters(*self.net.arena(), [p.blob.count for p in self.net.learnable])
        self.history = [self.backend.zeros(self.flat.data.size, dtype) for _ in self.rule.keeps]
        self.average = WeightAverage(self.backend, self.flat, self.param.ema_decay)

    @classmethod
    def from_file(cls, path: str | Path, **options: Any) -> Solver:
        """The solver of a solver prototxt; ``options`` are those of the constructor. Raises PrototxtError too."""
        param = load_solver(path)
        with told_with_places(param):
            return cls(param, folder=Path(path).parent, **options)

    # -- run ---------------------------------------------------------------------------------------------------

    def solve(self, resume_from: str | Path | None = None) -> None:
        """Train up to max_iter, with all tests and snapshots; first restore ``resume_from`` if given. Where that is at
        max_iter already, observers are told that nothing is left to train."""
        param = self.param
        if not param.HasField("max_iter"):
            raise SolverError(
                "the solver has no max_iter, so it would train for no iteration; write `max_iter: 10000`", "max_iter"
            )
        if param.snapshot_after_train:
            check_writable(snapshot_prefix(param))
        if resume_from is not None:
            self.restore(resume_from)
        done = resume_from is not None and self.iteration >= param.max_iter
        if done:
            said = f"Nothing is left to train: {resume_from} is of iteration {self.iteration}, and training ends at "
            self.tell("on_note", f"{said}{param.max_iter}; to go on, set a larger max_iter (or max_epoch)")
        self.tell("on_start")
        self.step(param.max_iter - self.iteration)
        if param.snapshot_after_train and not done and not due(param.snapshot, self.iteration):
            self.snapshot()
        if self._stopped:
            self.tell("on_stop")
            return
        loss = self._step.last_loss() if due(param.display, self.iteration) else None
        if due(param.test_interval, self.iteration):
            self.test_all()
        self.backend.raise_pending()
        self.tell("on_end", loss)

    def step(self, count: int) -> None:
        """Do ``count`` more iterations, or fewer when asked to stop; test, display and snapshot when due."""
        last = self.iteration + count
        self._step.begin()
        self._stopped = False
        with np.errstate(over="ignore", invalid="ignore"):  # the loss is looked at instead
            while self.iteration < last and not self._stopped:
                if due(self.param.test_interval, self.iteration) and (self.iteration or self.param.test_initialization):
                    self.before_test = progress(self)
                    self.test_all()
                    if self.answer_requests():
                        break
                self.before_test = None
                self._step.run()
                self.answer_requests(snapshot_due=due(self.param.snapshot, self.iteration))
        self.backend.raise_pending()

    def test_all(self) -> None:
        """Run every test net for its test_iter, or over all its records."""
        run_tests(self)

    # -- requests, safe to call from a signal handler or an observer ----------------------------------------------

    def request_stop(self) -> None:
        """End after the iteration, or the test pass, that is running now."""
        self._stop_requested = True

    def request_snapshot(self) -> None:
        """Take a snapshot after the iteration, or the test pass, that is running now."""
        self._snapshot_requested = True

    def answer_requests(self, snapshot_due: bool = False) -> bool:
        """Do what was requested since the last call; whether the solver is to stop."""
        if self._snapshot_requested or snapshot_due:
            self._snapshot_requested = False
            self.snapshot()
        self._stopped, self._stop_requested = self._stopped or self._stop_requested, False
        return self._stopped

    # -- files -------------------------------------------------------------------------------------------------

    def snapshot(self) -> tuple[Path, Path]:
        """Write the weights and the solver state; returns their paths."""
        self.backend.raise_pending()
        with self.average.out_of_use():
            model, state = write_snapshot(self)
        self.tell("on_snapshot", model, state)
        return model, state

    def restore(self, path: str | Path) -> None:
        """Go on where a solver state was written, by this program or by Caffe. Raises WeightsError."""
        restore_snapshot(self, path)
        self.tell("on_restore", Path(path))

    def load_weights(self, path: str | Path, strict: bool = False) -> LoadReport:
        """Copy weights from a file into the train net and into layers that only test nets have.

        A layer whose parameters in the file have another shape keeps its own values, unless ``strict``: then all
        must fit, and none may be missing or left over. Raises WeightsError.
        """
        report = load_trained_weights(self, path, strict)
        self.tell("on_weights", report)
        return report

    def close(self) -> None:
        """Let go of the files and threads of all nets."""
        for net in [self.net, *self.test_nets]:
            net.close()
        for run in self.test_runs:
            run.close()

    def tell(self, event: str, *details: Any) -> None:
        """Call the method ``event`` of every observer."""
        for observer in self.observers:
            getattr(observer, event)(self, *details)
