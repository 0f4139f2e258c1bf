"""BatchNorm, Scale and ReLU as one: the same blobs, gradients and running sums as one by one."""

import numpy as np
import pytest

from cafpy.proto import cafpy_pb2 as pb

from .conftest import CONVOLUTION, INPUT, LOSS

NORM = 'layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "%s" batch_norm_param { %s } }\n'
SCALE = 'layer { name: "sc" type: "Scale" bottom: "%s" top: "%s" scale_param { %s } %s }\n'
RELU = 'layer { name: "relu" type: "ReLU" bottom: "%s" top: "%s" relu_param { %s } }\n'


def net(top="conv", norm="", scale="bias_term: true", scale_more="", relu="", layers="NSR", before=INPUT + CONVOLUTION):
    text = before + NORM % (top, norm)
    if "S" in layers:
        text += SCALE % (top, top, scale, scale_more)
    if "R" in layers:
        text += RELU % (top, top, relu)
    return text + LOSS % top


CASES = {
    "in place": {},
    "not in place": {"top": "bn"},
    "no bias": {"scale": "bias_term: false"},
    "leaky": {"relu": "negative_slope: 0.2"},
    "no ReLU": {"layers": "NS"},
    "no ReLU, not in place": {"layers": "NS", "top": "bn"},
    "no Scale": {"layers": "NR"},
    "no Scale, not in place": {"layers": "NR", "top": "bn"},
    "running statistics": {"norm": "use_global_stats: true"},
    "running statistics, not in place": {"norm": "use_global_stats: true", "top": "bn"},
    "running statistics, fixed Scale": {
        "norm": "use_global_stats: true",
        "scale_more": "param { lr_mult: 0 } param { lr_mult: 0 }",
    },
    "running statistics, fixed factor": {"norm": "use_global_stats: true", "scale_more": "param { lr_mult: 0 }"},
    "running statistics, fixed Scale, leaky, not in place": {
        "norm": "use_global_stats: true",
        "scale_more": "param { lr_mult: 0 } param { lr_mult: 0 }",
        "relu": "negative_slope: 0.2",
        "top": "bn",
    },
    "fixed Scale": {"scale_more": "param { lr_mult: 0 } param { lr_mult: 0 }"},
    "fraction and eps": {"norm": "moving_average_fraction: 0.9 eps: 0.1"},
    "negative axis": {"scale": "axis: -3"},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_as_one_by_one(case, dtype, pair):
    both = pair(net(**CASES[case]), dtype=dtype)
    assert len(both.steps()) == 1
    for seed in range(3):
        both.step(seed)


@pytest.mark.parametrize("top", ["conv", "bn"])
def test_large_maps_and_many_threads(top, pair):
    before = (INPUT + CONVOLUTION).replace("dim: 9 dim: 8", "dim: 60 dim: 50")
    both = pair(net(top, before=before), dtype=np.float32)
    both.step()


def test_maps_of_one_position(pair):
    both = pair(net(before=(INPUT + CONVOLUTION).replace("dim: 9 dim: 8", "dim: 3 dim: 3")))
    assert both.fused.blobs["conv"].shape == (3, 5, 1, 1)
    both.step()


@pytest.mark.parametrize("top", ["conv", "bn"])
def test_any_mixture_of_fused_and_single_passes(top, pair):
    """What one way of forward leaves, the other way of backward finds."""
    both = pair(net(top))
    count = len(both.fused.nodes)
    both.step()
    for forward_by_one, backward_by_one in ((False, True), (True, False), (True, True), (False, False)):
        for seed in range(2):
            for built in both.nets:
                rng = np.random.default_rng(seed)
                for name in built.inputs:
                    built.blobs[name].data[...] = rng.standard_normal(built.blobs[name].shape)
                built.clear_param_diffs()
                if forward_by_one:
                    for i in range(count):
                        built.forward(i, i)
                else:
                    built.forward()
                if backward_by_one:
                    for i in reversed(range(count)):
                        built.backward(i, i)
                else:
                    built.backward()
            both.compare()


@pytest.mark.parametrize("top", ["conv", "bn"])
def test_cut_anywhere(top, pair):
    both = pair(net(top))
    count = len(both.fused.nodes)
    for cut in range(1, count):
        for built in both.nets:
            built.forward(0, cut - 1)
            built.forward(cut)
            built.backward(None, cut)
            built.backward(cut - 1)
        both.compare()


def test_shapes_may_change(pair):
    both = pair(net())
    both.step()
    for shape in ((5, 4, 9, 8), (1, 4, 9, 8), (3, 4, 9, 8)):
        for built in both.nets:
            built.blobs["data"].reshape(shape)
            built.blobs["aim"].reshape((shape[0], 2))
        both.step()


def test_forward_only_moves_running_sums_alike(pair):
    both = pair(net(), dtype=np.float32)
    for seed in range(5):
        both.step(seed, backward=False)
    for i in range(3):
        np.testing.assert_array_equal(both.fused.params["bn"][i].data, both.single.params["bn"][i].data)


def test_nothing_learns_below(pair):
    """The Scale has a gradient, but the BatchNorm passes none on: each layer does its own part."""
    before = INPUT + CONVOLUTION.replace("convolution_param", "param { lr_mult: 0 } convolution_param")
    both = pair(net(before=before))
    assert len(both.steps()) == 1
    assert not both.fused.plan.steps[2].can_backward()
    for seed in range(2):
        both.step(seed)


def test_test_phase_with_gradients(pair):
    both = pair(net("bn"), phase=pb.TEST)
    assert both.steps() == ["BatchNorm + Scale + ReLU"]
    both.step()


def test_frozen_after_it_was_built(pair):
    from cafpy.solvers.freeze import freeze

    both = pair(net())
    both.step()
    for built in both.nets:
        freeze(built, ["bn", "sc"])
    for seed in range(2):
        both.step(seed)


NOT_IN_PLACE = net(layers="NS") + RELU % ("conv", "out", "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (net(scale="axis: 0 num_axes: 2"), "factors for more than channels"),
        (net(scale="axis: 2"), "factors for rows"),
        (net(relu="negative_slope: -0.5"), "the sign of y does not tell that of x"),
        (NOT_IN_PLACE.replace(LOSS % "conv", "") + LOSS % "out", "not in place"),
    ],
)
def test_other_layers_run_by_themselves(text, why, pair):
    both = pair(text)
    assert "BatchNorm + Scale + ReLU" not in both.steps(), why
    both.step()
