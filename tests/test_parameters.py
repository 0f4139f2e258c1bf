"""Parameters as the solver meets them: each once, with its multipliers; shared ones in one memory."""

import numpy as np
import pytest

from cafpy.errors import NetError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

PAIR = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "aim" type: "Input" top: "aim" input_param { shape { dim: 2 dim: 4 } } }
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" A
  inner_product_param { num_output: 4 weight_filler { type: "gaussian" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" B
  inner_product_param { num_output: 4 weight_filler { type: "gaussian" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "b" bottom: "aim" top: "loss" }
"""


def build(a="", b="", text=PAIR, **options):
    text = text.replace(" A\n", f" {a}\n").replace(" B\n", f" {b}\n")
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), pb.TRAIN, seed=1, **options)


def facts(net):
    return [(str(p), p.name, p.lr_mult, p.decay_mult) for p in net.learnable]


def test_each_once_in_the_order_of_layers():
    assert facts(build('param { name: "w" lr_mult: 3 decay_mult: 0 }', "param { } param { lr_mult: 0 }")) == [
        ("a/0", "w", 3, 0),
        ("a/1", "", 1, 1),
        ("b/0", "", 1, 1),
        ("b/1", "", 0, 1),
    ]


def test_a_shared_parameter_is_its_first_layers():
    net = build('param { name: "w" }', 'param { name: "w" }')
    assert [str(p) for p in net.learnable] == ["a/0", "a/1", "b/1"]
    assert net.params["a"][0].data_memory() == net.params["b"][0].data_memory()
    assert [len(blobs) for blobs in net.params.values()] == [2, 2]  # pycaffe and weight files know both


def test_any_sharer_may_give_the_multipliers():
    assert facts(build('param { name: "w" decay_mult: 0 }', 'param { name: "w" lr_mult: 5 }'))[0] == ("a/0", "w", 5, 0)


def test_sharers_may_repeat_a_multiplier():
    assert facts(build('param { name: "w" lr_mult: 1 }', 'param { name: "w" lr_mult: 1 }'))[0] == ("a/0", "w", 1, 1)


def test_sharers_that_contradict_each_other_are_both_named():
    """1 is the default, but here it is written."""
    with pytest.raises(NetError) as error:
        build('param { name: "w" decay_mult: 1 }', 'param { name: "w" decay_mult: 2 }')
    assert str(error.value) == (
        "layer 'b' (InnerProduct), net.prototxt:6: shared parameter 'w' has decay_mult 2 here, but 1 in layer 'a' "
        "(InnerProduct), net.prototxt:4; give the same value or leave one out"
    )


def test_the_gradient_of_a_shared_parameter_is_the_sum_of_its_uses():
    """By differences, in double precision; the two uses reach the loss by different ways."""
    net = build('param { name: "w" }', 'param { name: "w" }', dtype=np.float64)
    rng = np.random.default_rng(0)
    for name in net.inputs:
        net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
    weight = net.params["b"][0]
    net.forward()
    net.backward()
    found = weight.diff.copy()
    wanted = np.empty_like(found)
    for place in np.ndindex(found.shape):
        losses = []
        for step in (1e-6, -2e-6):
            weight.data[place] += step
            net.forward()
            losses.append(net.loss())
        weight.data[place] += 1e-6
        wanted[place] = (losses[0] - losses[1]) / 2e-6
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("mode", ["STRICT", "PERMISSIVE"])
def test_another_shape_is_shared_where_it_is_permitted(mode):
    """The same 8 numbers as 2×4 and as 4×2."""
    text = PAIR.replace("num_output: 4", "num_output: 2", 1)
    share = f'param {{ name: "w" share_mode: {mode} }}'
    if mode == "STRICT":
        with pytest.raises(NetError, match=r"it must have the shape of that of .* 2×4 \(8\), but it has 4×2 \(8\)"):
            build('param { name: "w" }', share, text)
        return
    net = build('param { name: "w" }', share, text)
    assert net.params["b"][0].shape == (4, 2)
    assert np.array_equal(net.params["b"][0].data.ravel(), net.params["a"][0].data.ravel())


def test_another_count_is_never_shared():
    with pytest.raises(NetError, match=r"it must have as many values as that of .* 4×4 \(16\), but it has 4 \(4\)"):
        build('param { name: "w" }', 'param { } param { name: "w" share_mode: PERMISSIVE }')


def test_in_the_arena_shared_parameters_stay_shared():
    """A solver moves all parameters into one array; nobody may be left with the old memory."""
    net = build('param { name: "w" }', 'param { name: "w" }')
    before = net.params["a"][0].data.copy()
    data, diff = net.arena()
    assert data.size == sum(p.blob.count for p in net.learnable) == 16 + 4 + 4
    for layer in "ab":
        assert np.array_equal(net.params[layer][0].data, before)
        assert np.shares_memory(net.params[layer][0].data, data) and np.shares_memory(net.params[layer][0].diff, diff)
    data[0], diff[0] = 7, 8
    assert [net.params[layer][0].data[0, 0] for layer in "ab"] == [7, 7]
    assert [net.params[layer][0].diff[0, 0] for layer in "ab"] == [8, 8]


@pytest.mark.parametrize("arena", [False, True])
def test_gradients_add_up_until_they_are_cleared(arena):
    net = build()
    if arena:
        net.arena()
    net.blobs["x"].data[...] = 1
    diff = net.params["a"][0].diff
    net.forward()
    net.backward()
    once = diff.copy()
    net.backward()
    assert once.any() and np.allclose(diff, 2 * once)
    net.clear_param_diffs()
    assert not any(p.blob.diff.any() for p in net.learnable)
