"""A convolution with what follows it in place: the same blobs and gradients as one by one."""

import numpy as np
import pytest

from cafpy.proto import cafpy_pb2 as pb

from .conftest import CONVOLUTION, INPUT, LOSS, WITH_BIAS, fill

RELU = 'layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" relu_param { %s } }\n'
NORM = 'layer { name: "bn" type: "BatchNorm" bottom: "conv" top: "conv" batch_norm_param { %s } }\n'
SCALE = 'layer { name: "sc" type: "Scale" bottom: "conv" top: "conv" scale_param { bias_term: %s } }\n'
DEPTHWISE = WITH_BIAS.replace("num_output: 5", "num_output: 4 group: 4")
WINOGRAD = WITH_BIAS.replace("num_output: 5", "num_output: 64 pad: 1")
WIDE_INPUT = INPUT.replace("dim: 4 dim: 9 dim: 8", "dim: 64 dim: 28 dim: 28")


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
@pytest.mark.parametrize("convolution", [CONVOLUTION, WITH_BIAS, DEPTHWISE], ids=["no bias", "bias", "depthwise"])
@pytest.mark.parametrize("slope", [0, 0.1])
def test_relu(slope, convolution, phase, pair):
    both = pair(INPUT + convolution + RELU % f"negative_slope: {slope}" + LOSS % "conv", phase, np.float32)
    assert both.steps() == ["Convolution + ReLU"]
    for seed in range(2):
        both.step(seed)


TESTED = {
    "all": NORM % "" + SCALE % "true" + RELU % "",
    "no ReLU": NORM % "" + SCALE % "true",
    "no bias": NORM % "" + SCALE % "false" + RELU % "",
    "BatchNorm alone": NORM % "eps: 0.1",
    "BatchNorm, ReLU": NORM % "" + RELU % "",
    "Scale alone": SCALE % "true",
    "Scale without bias, leaky ReLU": SCALE % "false" + RELU % "negative_slope: 0.3",
}


@pytest.mark.parametrize("convolution", [CONVOLUTION, WITH_BIAS, DEPTHWISE], ids=["no bias", "bias", "depthwise"])
@pytest.mark.parametrize("case", TESTED)
def test_in_phase_test(case, convolution, pair):
    """Gradients too: what was never written one by one is then computed again."""
    both = pair(INPUT + convolution + TESTED[case] + LOSS % "conv", pb.TEST)
    assert len(both.steps()) == 1
    assert both.steps()[0].startswith("Convolution + ")
    for seed in range(2):
        both.step(seed, backward=seed == 1)


def test_winograd(pair):
    both = pair(WIDE_INPUT + WINOGRAD + TESTED["all"] + LOSS % "conv", pb.TEST, np.float32)
    both.step(backward=False)


def test_running_statistics_without_weight_count_as_zero(pair):
    both = pair(INPUT + CONVOLUTION + TESTED["all"] + LOSS % "conv", pb.TEST)
    for net in both.nets:
        net.params["bn"][2].data[...] = 0
    both.step(backward=False)


def test_parameters_may_be_written_at_any_time(pair):
    both = pair(INPUT + WITH_BIAS + TESTED["all"] + LOSS % "conv", pb.TEST)
    both.step(backward=False)
    for net in both.nets:
        for name in ("conv", "bn", "sc"):
            for blob in net.params[name]:
                blob.data[...] += 1
    both.step(backward=False)


def test_batch_statistics_are_not_fused_into_the_convolution(pair):
    assert pair(INPUT + CONVOLUTION + TESTED["all"] + LOSS % "conv", pb.TRAIN).steps() == ["BatchNorm + Scale + ReLU"]
    own = NORM % "use_global_stats: false" + SCALE % "true"
    both = pair(INPUT + CONVOLUTION + own + LOSS % "conv", pb.TEST)
    assert both.steps() == ["BatchNorm + Scale"]
    both.step()


def test_two_bottoms_stay_single(pair):
    two = (
        INPUT
        + INPUT.replace('"data"', '"other"')
        + WITH_BIAS.replace('top: "conv"', 'bottom: "other" top: "conv" top: "more"')
    )
    both = pair(two + RELU % "" + LOSS % "conv", pb.TEST)
    assert both.steps() == []
    both.step(backward=False)


def test_shapes_may_change(pair):
    both = pair(INPUT + WITH_BIAS + TESTED["all"], pb.TEST)
    both.step(backward=False)
    for shape in ((1, 4, 20, 7), (6, 4, 5, 5)):
        for net in both.nets:
            net.blobs["data"].reshape(shape)
        both.step(backward=False)


def test_where_nobody_looks_layers_need_not_work_in_place(pair):
    text = TESTED["all"].replace('bottom: "conv" top: "conv"', 'bottom: "%s" top: "%s"')
    text = INPUT + WITH_BIAS + text % ("conv", "a", "a", "b", "b", "c") + LOSS % "c"
    assert pair(text, pb.TEST).steps() == []
    both = pair(text, pb.TEST, share_memory=True)
    assert both.steps() == ["Convolution + BatchNorm + Scale + ReLU"]
    for seed in range(2):
        for net in both.nets:
            fill(net, seed)
            net.forward()
        np.testing.assert_allclose(both.fused.blobs["loss"].data, both.single.blobs["loss"].data, rtol=1e-10)


def test_test_net_shares_the_train_nets_parameters(pair):
    text = INPUT + WITH_BIAS + TESTED["all"] + LOSS % "conv"
    trained, tested = pair(text, pb.TRAIN), pair(text, pb.TEST)
    for test, train in zip(tested.nets, trained.nets, strict=True):
        test.share_trained_layers_with(train)
    for seed in range(3):
        trained.step(seed)
        tested.step(seed, backward=False)
