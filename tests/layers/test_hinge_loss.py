"""HingeLoss."""

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.errors import DataError
from cafpy.testing.case import Case, build

LABELS = np.array([0, 3, 2, 1, 2])
L1, L2 = (f'type: "HingeLoss" hinge_loss_param {{ norm: {norm} }}' for norm in ("L1", "L2"))

CASES = [
    Case("L1", L1, [(5, 4), LABELS], kinks=[-1, 1]),
    Case("L2", L2 + " loss_weight: 0.3", [(5, 4), LABELS]),
    Case("more_axes", L2, [(5, 2, 2), LABELS]),
]


@pytest.mark.parametrize("backend", [None, CpuBackend()], ids=["plain", "fast"])
def test_value(backend):
    harness = build(Case("value", L1, [np.array([[2, -2], [0.5, 0]]), np.array([0, 1])]), backend)
    assert harness.forward()[0] == (0 + 0 + 1.5 + 1) / 2
    harness.backward([True, False])
    np.testing.assert_array_equal(harness.bottom[0].diff, [[0, 0], [0.5, -0.5]])


def test_label_that_is_none():
    harness = build(Case("bad", L1, [(2, 3), np.array([1, 3])]))
    with pytest.raises(DataError) as raised:
        harness.forward()
    assert str(raised.value) == (
        "layer 'bad' (HingeLoss), bad:1: label 3 of item 1 is out of range: 'b0' has 3 classes, so labels go from 0 to "
        "2 (do your labels start at 1?)"
    )


@pytest.mark.parametrize(
    ("bottoms", "said"),
    [
        ([(4,), (4,)], "bottom 'b0' (shape 4) has no axis of classes, axis 1"),
        (
            [(4, 3), (5,)],
            "bottom 'b0' has 4 items (shape 4×3), but 'b1' has 5 (shape 5); both must come from one batch",
        ),
        (
            [(4, 3, 2), (4, 2)],
            "bottom 'b1' (shape 4×2) has 8 labels, but 'b0' (shape 4×6, classes along axis 1) has 4 predictions; there "
            "must be one label for each, a shape like 4",
        ),
    ],
)
def test_refuses(refusal, bottoms, said):
    assert refusal(L1, bottoms) == said
