"""A loss of something that is not a number is not a number: training must stop at it, not go on."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

LOSSES = {
    "SoftmaxWithLoss": "dim: 4",
    "MultinomialLogisticLoss": "dim: 4",
    "HingeLoss": "dim: 4",
    "EuclideanLoss": "dim: 4 dim: 5",
    "SigmoidCrossEntropyLoss": "dim: 4 dim: 5",
}


@pytest.mark.parametrize("backend", [Backend(), CpuBackend()], ids=["plain", "fast"])
@pytest.mark.parametrize("loss", LOSSES)
def test_nan_comes_through(loss, backend):
    text = f"""
    layer {{ name: "in" type: "Input" top: "x" top: "t" input_param {{
      shape {{ dim: 4 dim: 5 }} shape {{ {LOSSES[loss]} }} }} }}
    layer {{ name: "loss" type: "{loss}" bottom: "x" bottom: "t" top: "y" }}"""
    net = Net(parse(text, pb.NetParameter()), backend=backend)
    net.blobs["x"].data[...] = 0.2
    net.blobs["x"].data[1] = np.nan
    net.forward()
    assert np.isnan(net.blobs["y"].data)
