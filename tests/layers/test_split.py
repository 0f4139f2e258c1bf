"""Split."""

import numpy as np

from cafpy.testing.case import Case, build

CASES = [
    Case("one", 'type: "Split"', [(2, 3)]),
    Case("two", 'type: "Split"', [(2, 3, 4)], tops=2),
    Case("four", 'type: "Split"', [(2, 3)], tops=4),
]


def test_tops_are_the_bottom_not_copies():
    harness = build(Case("two", 'type: "Split"', [(2, 3)], tops=2))
    assert all(np.shares_memory(top.data, harness.bottom[0].data) for top in harness.top)
    assert not np.shares_memory(harness.top[0].diff, harness.top[1].diff)
