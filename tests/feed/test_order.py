import numpy as np

from cafpy.feed.order import Order


def test_each_pass_is_a_permutation_of_its_own():
    order = Order(10)
    passes = [[order.index(turn * 10 + i, 3) for i in range(10)] for turn in range(4)]
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert len({tuple(one) for one in passes}) == 4


def test_the_same_whatever_was_asked_before():
    wanted = [Order(10).index(i, 3) for i in range(40)]
    order = Order(10)
    assert [order.index(i, 3) for i in reversed(range(40))] == wanted[::-1]
    np.testing.assert_array_equal(order.indices(np.arange(5, 35), 3), wanted[5:35])
    assert [order.index(i, 4) for i in range(40)] != wanted
