"""Testing: a test net runs for its test_iter, or over all its records, and its outputs are averaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cafpy.errors import SolverError
from cafpy.layer import shape_text
from cafpy.net import Net
from cafpy.solvers.loss_window import LossWindow
from cafpy.solvers.observer import Output, Scores

if TYPE_CHECKING:
    from cafpy.solvers.solver import Solver


def run_tests(solver: Solver) -> None:
    """Run every test net, then act on the results; the weights are the averaged ones if there are any."""
    solver.backend.raise_pending()
    results = []
    for index in range(len(solver.test_nets)):
        solver.tell("on_test_start", index)
        with solver.average.in_use():
            scores = run_test(solver, index)
        if scores is None:  # asked to stop
            return
        solver.tell("on_test", index, scores)
        results.append(scores)
    for index, scores in enumerate(results):
        solver.watch.see(solver, index, scores)


def run_test(solver: Solver, index: int) -> Scores | None:
    """The scores of test net ``index``, or None when the solver was asked to stop meanwhile."""
    run = solver.test_runs[index]
    sums: dict[str, Any] = {}
    windows: dict[Net, LossWindow] = {}
    loss: Any = 0.0
    for net, weight in run.passes():
        if solver.answer_requests():
            return None
        net.forward()
        for name in net.outputs:
            _add(sums, net, name, weight)
        if solver.param.test_compute_loss:
            if net not in windows:
                windows[net] = LossWindow(net, 1)
            loss = loss + weight * windows[net].pass_loss()
    net = run.net
    net.backend.raise_pending()
    to_host = net.backend.to_host
    outputs = [Output(name, to_host(total).ravel() / run.total, net.loss_weight(name)) for name, total in sums.items()]
    if not solver.param.test_compute_loss:
        return Scores(solver.iteration, outputs, None)
    return Scores(
        solver.iteration, outputs, float(to_host(loss)) / run.total if any(w.terms for w in windows.values()) else 0.0
    )


def _add(sums: dict[str, Any], net: Net, name: str, weight: int) -> None:
    data = net.blobs[name].data
    total = sums.get(name)
    if total is None:
        sums[name] = data.astype(float)
        sums[name] *= weight  # in place: the product of an array without axes is no array
        return
    if total.shape != data.shape:
        raise SolverError(
            f"the output '{name}' of test net '{net.name}' changes its shape from {shape_text(total.shape)} to "
            f"{shape_text(data.shape)} between two passes, so it has no mean; end the net with a layer of fixed shape"
        )
    total += weight * data
