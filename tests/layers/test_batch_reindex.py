"""BatchReindex: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

CASES = [
    Case("reorder and repeat", 'type: "BatchReindex"', [(4, 3, 2), np.array([3, 0, 0, 2, 3, 1])]),
    Case("leave out", 'type: "BatchReindex"', [(5, 2, 2, 3), np.array([4, 1])]),
    Case("numbers of one axis", 'type: "BatchReindex"', [(6,), np.array([5, 5, 0])]),
]


def test_picks_items():
    harness = build(Case("pick", 'type: "BatchReindex"', [np.array([[10, 11], [20, 21]]), np.array([1, 0, 1])]))
    np.testing.assert_array_equal(harness.forward()[0], [[20, 21], [10, 11], [20, 21]])


@pytest.mark.parametrize(
    ("bottoms", "text"),
    [
        ([(4, 3), np.array([0, 4])], "bottom 'b1' must hold item numbers, whole ones from 0 to 3"),
        ([(4, 3), np.array([0, -1])], "bottom 'b1' must hold item numbers, whole ones from 0 to 3"),
        ([(4, 3), np.array([0.5])], "bottom 'b1' must hold item numbers, whole ones from 0 to 3"),
        ([(4, 3), np.array([np.nan])], "bottom 'b1' must hold item numbers, whole ones from 0 to 3"),
        ([(4, 3), np.zeros((2, 1))], "bottom 'b1' must have one axis, the numbers of the items, not shape 2×1"),
        ([(), np.zeros(2)], "bottom 'b0' has no axes, so it has no items to pick"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_refuses(refusal, bottoms, text):
    assert refusal('type: "BatchReindex"', bottoms) == text
