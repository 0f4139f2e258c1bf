"""Filter: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

SOME = np.array([0, 1, 0, -2.5, 1])

CASES = [
    Case("some", 'type: "Filter"', [(5, 3, 2, 2), SOME]),
    Case("all", 'type: "Filter"', [(4, 3), np.ones(4)]),
    Case("none", 'type: "Filter"', [(4, 3), np.zeros(4)], gradient=[]),
    Case("selector of four axes", 'type: "Filter"', [(5, 3), SOME.reshape(5, 1, 1, 1)]),
    Case("two bottoms", 'type: "Filter"', [(5, 3), (5,), SOME], tops=2),
]


def test_items_held_back_have_no_gradient():
    harness = build(CASES[0])
    harness.forward()
    harness.top[0].diff[...] = 1
    harness.backward([True, False])
    np.testing.assert_array_equal(harness.bottom[0].diff[:, 0, 0, 0], [0, 1, 0, 1, 1])


def test_the_number_of_items_changes_from_pass_to_pass():
    harness = build(CASES[0])
    assert [blob.shape for blob in harness.forward()] == [(3, 3, 2, 2)]
    harness.set_bottom(1, np.array([0, 0, 0, 0, 1]))
    np.testing.assert_array_equal(harness.forward()[0], harness.bottom[0].data[4:])


@pytest.mark.parametrize(
    ("bottoms", "tops", "text"),
    [
        (
            [(4, 3), (4,)],
            2,
            "has 2 bottoms and 2 tops; it gives one top for each bottom but the last, the selector",
        ),
        (
            [(4, 3), (4, 2)],
            1,
            "the selector 'b1' has shape 4×2; it must have one value an item, so all axes but the first must be 1",
        ),
        (
            [(4, 3), ()],
            1,
            "the selector 'b1' has shape (no axes); "
            "it must have one value an item, so all axes but the first must be 1",
        ),
        (
            [(4, 3), (5, 1), (4, 1)],
            2,
            "bottom 'b1' has shape 5×1, but the selector 'b2' has 4 items; the first axis must be the same",
        ),
    ],
)
def test_refuses(refusal, bottoms, tops, text):
    assert refusal('type: "Filter"', bottoms, tops) == text
