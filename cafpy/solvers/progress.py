"""Where a run stands, beside its numbers: positions of layers in data and random numbers, test results, rate steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cafpy.layer import Layer
from cafpy.proto import cafpy_pb2 as pb

if TYPE_CHECKING:
    from cafpy.solvers.solver import Solver


@dataclass
class Progress:
    """What a snapshot takes from one moment of a run.

    Attributes:
        positions: a LayerPosition for each layer of all nets that has one.
        monitors: a MonitorState for each watched output.
        current_step: steps that the learning rate has taken.
    """

    positions: list[Any]
    monitors: list[Any]
    current_step: int


def progress(solver: Solver) -> Progress:
    """Where ``solver`` stands now."""
    return Progress(list(_positions(solver)), solver.watch.state(), solver.rate.current_step)


def restore_progress(solver: Solver, saved: Progress) -> None:
    """Go on from ``saved``.

    Layers that it does not know keep their own beginning, as all do in a state that Caffe wrote.
    """
    solver.rate.current_step = saved.current_step
    solver.watch.load_state(saved.monitors)
    _restore_positions(solver, saved.positions)


def _layers(solver: Solver) -> Iterator[tuple[int, Layer]]:
    for i, net in enumerate([solver.net, *solver.test_nets]):
        for layer in net.layers:
            yield i, layer


def _positions(solver: Solver) -> Iterator[Any]:
    for i, layer in _layers(solver):
        value = layer.state()
        if value:
            yield pb.LayerPosition(net=i, layer=layer.param.name, seed=layer.seed, value=value)


def _restore_positions(solver: Solver, positions: Sequence[Any]) -> None:
    known = {(position.net, position.layer): position for position in positions}
    for i, layer in _layers(solver):
        position = known.get((i, layer.param.name))
        if position is not None:
            layer.seed = position.seed
            layer.load_state(dict(position.value))
