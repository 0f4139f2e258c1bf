"""A sum with a ReLU behind it as one: the same blobs and gradients as one by one."""

import numpy as np
import pytest

from cafpy.proto import cafpy_pb2 as pb

from .conftest import CONVOLUTION, INPUT, LOSS, fill

OTHER = CONVOLUTION.replace('"conv"', '"other"')
SUM = 'layer { name: "sum" type: "Eltwise" bottom: "conv" bottom: "other" top: "sum" eltwise_param { %s } }\n'
RELU = 'layer { name: "relu" type: "ReLU" bottom: "sum" top: "sum" relu_param { %s } }\n'
BLOCK = """
layer {
  name: "next" type: "Convolution" bottom: "sum" top: "next"
  convolution_param { num_output: 5 kernel_size: 1 weight_filler { type: "gaussian" std: 0.3 } }
}
layer { name: "again" type: "Eltwise" bottom: "sum" bottom: "next" top: "again" }
layer { name: "relu2" type: "ReLU" bottom: "again" top: "again" }
"""


def start(operation="", relu=""):
    return INPUT + CONVOLUTION + OTHER + SUM % operation + RELU % relu


@pytest.mark.parametrize("phase", [pb.TRAIN, pb.TEST])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_and_relu(dtype, phase, pair):
    both = pair(start() + LOSS % "sum", phase, dtype)
    assert both.steps() == ["Eltwise + ReLU"]
    for seed in range(2):
        both.step(seed)


def test_with_splits(pair):
    both = pair(start() + BLOCK + LOSS % "again")
    assert both.steps() == ["Eltwise + ReLU + Split", "Eltwise + ReLU"]
    for seed in range(2):
        both.step(seed)


def test_three_behind_stay_apart(pair):
    """Their Split sums three gradients."""
    third = BLOCK.replace('"next"', '"third"').replace('"again"', '"last"').replace('"relu2"', '"relu3"')
    both = pair(
        start()
        + BLOCK
        + third
        + LOSS.replace('"%s"', '"again"')
        + (LOSS % "last").replace("ip", "ip2").replace("aim", "aim2").replace('"loss"', '"loss2"')
    )
    assert both.steps() == ["Eltwise + ReLU", "Eltwise + ReLU", "Eltwise + ReLU"]
    both.step()


def test_gradients_in_one_memory(pair):
    """Of blobs that share memory only parameters can be compared."""
    both = pair(start() + BLOCK + LOSS % "again", share_memory=True)
    one, top = both.fused.nodes[-5].bottom_blobs[0], both.fused.nodes[-5].top_blobs[0]
    assert one.diff_memory() == top.diff_memory()
    for net in both.nets:
        fill(net, 0)
        net.forward()
        net.backward()
    for name, blobs in both.fused.params.items():
        for ours, theirs in zip(blobs, both.single.params[name], strict=True):
            np.testing.assert_allclose(ours.diff, theirs.diff, rtol=1e-10)


def test_the_same_blob_twice(pair):
    """The Split between makes two blobs of it."""
    both = pair(INPUT + CONVOLUTION + SUM.replace('"other"', '"conv"') % "" + RELU % "" + LOSS % "sum")
    both.step()


def test_one_side_without_gradient(pair):
    fixed = OTHER.replace("convolution_param", "param { lr_mult: 0 } convolution_param")
    both = pair(INPUT + CONVOLUTION + fixed + SUM % "" + RELU % "" + LOSS % "sum")
    assert both.steps() == ["Eltwise + ReLU"]
    both.step()


@pytest.mark.parametrize("operation", ["operation: MAX", "operation: PROD", "coeff: 1 coeff: -1"])
def test_other_operations_stay_single(operation, pair):
    both = pair(start(operation) + LOSS % "sum")
    assert both.steps() == []
    both.step()


def test_leaky_relu_stays_single(pair):
    both = pair(start(relu="negative_slope: 0.1") + LOSS % "sum")
    assert both.steps() == []
    both.step()
