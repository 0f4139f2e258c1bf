"""What every layer must keep, checked on one case: ``check_layer(case)``.

Each check is a function ``(case)`` that raises AssertionError; a check that does not apply to a layer returns.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import numpy as np

from cafpy.backend import Backend, CpuBackend
from cafpy.blob import Blob
from cafpy.errors import CafpyError
from cafpy.layer import Arity
from cafpy.registry import layer_class
from cafpy.testing.case import Case, build
from cafpy.testing.fake_device import FakeBackend
from cafpy.testing.gradient import check_gradient
from cafpy.testing.harness import Harness
from cafpy.testing.memory import check_memory
from cafpy.testing.rerun import builds, differ, forward_again, longer, start_again
from cafpy.testing.run import backward, forward_backward, gets_gradient, has_backward, run_case

EXACT = 1e-6
FLOAT32 = 1e-4
MANY = 1 << 17  # entries of all bottoms together that make fast bodies run in parallel
MANY_ITEMS = 4096  # but no more items than that: recurrent layers go through them one by one


def check_layer(case: Case) -> None:
    """Run every check of :data:`CHECKS` on the case. Raises AssertionError, or whatever the layer itself raises, with
    a note that says which case and which check."""
    for check in CHECKS:
        try:
            with case.folder():
                check(case)
        except Exception as error:
            error.add_note(f"{case.type} '{case.name}', {check.__name__}")
            raise


def check_counts_declared(case: Case) -> None:
    """Numbers of bottoms and tops that the layer does not declare are errors; those it declares work, or are refused
    with a CafpyError."""
    cls = layer_class(case.type)
    n_bottom, n_top = len(case.bottoms), case.tops
    for count in (n_bottom - 1, n_bottom + 1):
        _check_count(case, count, n_top, _allowed(cls.bottoms, count))
    for count in (n_top - 1, n_top + 1):
        _check_count(case, n_bottom, count, _allowed(cls.tops, count) or (cls.is_loss and count == 0))


def _allowed(declared: Arity, count: int) -> bool:
    least, most = (declared, declared) if isinstance(declared, int) else declared
    return least <= count and (most is None or count <= most)


def _check_count(case: Case, n_bottom: int, n_top: int, allowed: bool) -> None:
    if n_bottom < 0 or n_top < 0:
        return
    values = case.values()
    bottoms = (values + [values[-1] if values else np.zeros(1)] * n_bottom)[:n_bottom]
    try:
        build(replace(case, bottoms=bottoms, tops=n_top, in_place=False, params=None)).close()
    except CafpyError:
        return
    assert allowed, f"takes {n_bottom} bottoms and {n_top} tops without an error, but declares otherwise"


def check_repeats(case: Case) -> None:
    """The same bottoms give the same tops and gradients again; neither forward nor backward changes the bottoms."""
    with closing(build(case)) as harness:
        state = harness.layer.state()
        params = harness.data(harness.layer.blobs)
        first = forward_backward(harness)
        for i, (blob, values) in enumerate(zip(harness.bottom, case.values(), strict=True)):
            if not any(top is blob for top in harness.top):
                same = np.array_equal(blob.data, values.astype(np.float32), equal_nan=True)
                assert same, f"bottom {i} is changed, though the layer does not work in place"
        start_again(harness, case, state, params)
        forward_backward(harness).compare(first, 0.0, "in the second pass and in the first")


def check_backward(case: Case) -> None:
    """Backward writes all of a bottom's gradient where asked, nothing where not, and adds to the parameters'."""
    with closing(build(case)) as harness:
        if not has_backward(harness.layer):
            return
        wanted = gets_gradient(harness)
        full = forward_backward(harness).arrays
        for i, yes in enumerate(wanted):
            nan = np.isnan(full[f"bottom {i} diff"])
            if yes:
                assert not nan.any(), f"backward leaves {int(nan.sum())} entries of bottom {i}'s diff as they were"
        if case.in_place:  # the gradient from above and the one for below are one blob
            return
        for i in range(len(wanted)):
            flags = [yes and j != i for j, yes in enumerate(wanted)]
            part = backward(harness, flags)
            if not _shares_diff(harness.bottom[i], harness.top):
                nan = np.isnan(part[f"bottom {i} diff"])
                assert nan.all(), f"backward writes bottom {i}'s diff, though propagate_down is false"
            others = [f"bottom {j} diff" for j, yes in enumerate(flags) if yes]
            for name in others + [f"parameter {j} diff" for j in range(len(harness.layer.blobs))]:
                same = np.allclose(part[name], full[name], rtol=1e-5, atol=1e-6)
                assert same, f"{name} depends on whether bottom {i}'s gradient is asked for"
        _check_param_diffs(harness, wanted, full)


def _check_param_diffs(harness: Harness, wanted: list[bool], full: dict[str, np.ndarray]) -> None:
    blobs = harness.layer.blobs
    for blob in blobs:
        blob.diff[...] = 2
    harness.backward(wanted)
    for i, diff in enumerate(harness.diff(blobs)):
        alone = full[f"parameter {i} diff"]
        assert np.allclose(diff, alone + 2, rtol=1e-4, atol=1e-4), f"backward does not add to parameter {i}'s diff"
    for i in range(len(blobs)):
        for blob in blobs:
            blob.diff[...] = 2
        harness.layer.param_propagate_down = [j != i for j in range(len(blobs))]
        harness.backward(wanted)
        assert (blobs[i].diff == 2).all(), f"parameter {i}'s diff is written, though param_propagate_down is false"
    harness.layer.param_propagate_down = [True] * len(blobs)


def check_reshape(case: Case) -> None:
    """A reshaped layer works as a fresh one, and the old shape gives the old numbers again."""
    if not case.bottoms:
        return
    with closing(build(case)) as harness:
        state = harness.layer.state()
        params = harness.data(harness.layer.blobs)
        first = forward_backward(harness)
        bigger = replace(longer(case, 1), params=params)
        if builds(bigger):
            start_again(harness, bigger, state, params)
            forward_backward(harness).compare(run_case(bigger), EXACT, "after a reshape and when built so")
        start_again(harness, case, state, params)
        forward_backward(harness).compare(first, EXACT, "after two reshapes and before")


def check_fast_bodies(case: Case) -> None:
    """The fast CPU bodies give the numbers of the plain ones, for few entries and for many."""
    check_device(case, CpuBackend())


def check_device(case: Case, backend: Backend, tolerance: float = FLOAT32) -> None:
    """On this backend the layer gives the numbers of the plain bodies, for few entries and for many. :data:`CHECKS` do
    it for the CPU; call it for a GPU where there is one."""
    with case.folder():
        said = f"on {backend.name} and by the plain body"
        run_case(case, backend).compare(run_case(case), tolerance, said)
        many = _many(case)
        if builds(many):
            run_case(many, backend).compare(run_case(many), tolerance, f"{said}, many items")


def _many(case: Case) -> Case:
    """The case with so many items that fast bodies take their parallel way."""
    first = case.values()[0] if case.bottoms else np.zeros(())
    if not first.size or not first.ndim:
        return case
    items = MANY * len(first) // sum(values.size for values in case.values())
    return longer(case, min(items, MANY_ITEMS))


def check_fake_device(case: Case) -> None:
    """The layer runs where host arrays are foreign, with the same numbers."""
    run_case(case, FakeBackend()).compare(run_case(case), EXACT, "on the fake device and on the host")


def check_state(case: Case) -> None:
    """``load_state(state())`` goes on exactly there, in the same layer and in a fresh one."""
    with closing(build(case)) as harness, closing(build(case)) as fresh:
        assert harness.layer.state() or not case.stochastic, "draws random numbers, but state() is empty"
        first = harness.forward()
        state = harness.layer.state()
        if not state:
            return
        assert all(type(value) is int for value in state.values()), f"state() must hold whole numbers, not {state}"
        second = forward_again(harness, case)
        assert not case.stochastic or any(map(differ, first, second)), "two passes draw the same random numbers"
        for other in (harness, fresh):
            other.layer.load_state(state)
            again = forward_again(other, case)
            assert not any(map(differ, second, again)), f"load_state({state}) does not repeat the pass after it"


def check_in_place(case: Case) -> None:
    """Top and bottom may be one blob, if the layer says so, and the numbers stay the same."""
    if not layer_class(case.type).in_place or not case.tops:
        return
    try:
        inside = run_case(replace(case, in_place=True))
    except CafpyError:
        if case.in_place:
            raise
        return  # the layer refuses it for these options
    outside = run_case(replace(case, in_place=False))
    inside.compare(outside, EXACT, "in place and not in place")


CHECKS: list[Callable[[Case], None]] = [
    check_counts_declared,
    check_repeats,
    check_backward,
    check_gradient,
    check_reshape,
    check_memory,
    check_fake_device,
    check_fast_bodies,
    check_state,
    check_in_place,
]


def _shares_diff(blob: Blob, others: list[Blob]) -> bool:
    return any(np.shares_memory(blob.diff, other.diff) for other in others)
