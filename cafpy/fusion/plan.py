"""Which layers of a net run as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cafpy.fusion import batch_norm, convolution, eltwise
from cafpy.fusion.step import FusedStep, SingleStep, Step
from cafpy.wiring import Node

Match = Callable[[Sequence[Node], int, bool], FusedStep | None]
MATCHES: tuple[Match, ...] = (convolution.match, batch_norm.match, eltwise.match)  # the first that fits is taken


class Plan:
    """The steps of a net, in order; without ``fuse`` one for each layer.

    ``hidden``: the net only runs forward, and nobody looks at blobs that are neither its inputs nor its outputs.
    """

    def __init__(self, nodes: Sequence[Node], fuse: bool = True, hidden: bool = False):
        self.fuse = fuse
        self._singles = [SingleStep(node, i) for i, node in enumerate(nodes)]
        self.steps: list[Step] = list(_steps(nodes, self._singles, hidden)) if fuse else list(self._singles)
        self._at = [i for i, step in enumerate(self.steps) for _ in step.nodes]  # step of each layer

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def step_numbers(self) -> list[int]:
        """For each layer the number of its step."""
        return list(self._at)

    def between(self, first: int, last: int) -> list[Step]:
        """The steps that make up the layers ``first`` to ``last``; of a fused step that is only in part among them the
        single layers."""
        if first == 0 and last == len(self._singles) - 1:
            return self.steps
        steps: list[Step] = []
        while first <= last:
            step = self.steps[self._at[first]]
            if step.first < first or step.last > last:
                step = self._singles[first]
            steps.append(step)
            first = step.last + 1
        return steps


def _steps(nodes: Sequence[Node], singles: Sequence[SingleStep], hidden: bool) -> Iterator[Step]:
    at = 0
    while at < len(nodes):
        step = next((step for match in MATCHES if (step := match(nodes, at, hidden)) is not None), None)
        if step is None:
            yield singles[at]
            at += 1
            continue
        for single in singles[step.first : step.last + 1]:
            single.group = step
        yield step
        at = step.last + 1
