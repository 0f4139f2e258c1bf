"""Nets built twice, with fused layers and without, and everything in them compared."""

from contextlib import closing

import numpy as np
import pytest

from cafpy.backend import CpuBackend
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse

INPUT = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 3 dim: 4 dim: 9 dim: 8 } } }
"""
_CONVOLUTION = """
layer {
  name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 5 kernel_size: 3 bias_term: %s weight_filler { type: "gaussian" std: 0.3 } }
}
"""
CONVOLUTION = _CONVOLUTION % "false"
WITH_BIAS = _CONVOLUTION % "true"
LOSS = """
layer {
  name: "ip" type: "InnerProduct" bottom: "%s" top: "ip"
  inner_product_param { num_output: 2 weight_filler { type: "gaussian" std: 0.1 } }
}
layer { name: "aim" type: "Input" top: "aim" input_param { shape { dim: 3 dim: 2 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "aim" top: "loss" }
"""


def fill(net, seed):
    """Random inputs; and parameters, the first time."""
    rng = np.random.default_rng(seed)
    for name in net.inputs:
        net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
    return rng


def fill_parameters(net):
    rng = np.random.default_rng(7)
    for node in net.nodes:
        for i, blob in enumerate(node.layer.blobs):
            values = rng.standard_normal(blob.shape)
            if node.param.type == "BatchNorm":
                values = (0.3 * values, 0.5 + np.abs(values), np.full(1, 2.0))[i]
            blob.data[...] = values


class Pair:
    """A net with fused layers, and the same with single ones."""

    def __init__(self, text, phase=pb.TRAIN, dtype=np.float64, **options):
        param = parse(text, pb.NetParameter(), "net.prototxt")
        backend = CpuBackend()
        self.fused = Net(param, phase, backend=backend, dtype=dtype, seed=3, **options)
        self.single = Net(param, phase, backend=backend, dtype=dtype, seed=3, fuse=False, **options)
        self.nets = self.fused, self.single
        for net in self.nets:
            fill_parameters(net)
        self.tolerance = 1e-10 if dtype == np.float64 else 1e-5

    def steps(self):
        """The types of the layers of each fused step."""
        return [step.type for step in self.fused.plan if len(step.nodes) > 1]

    def step(self, seed=0, backward=True):
        """A pass on random inputs, the gradients of all blobs set to something else before."""
        for net in self.nets:
            fill(net, seed)
            net.clear_param_diffs()
            net.forward()
            if backward:
                net.backward()
        self.compare()

    def compare(self):
        """All that can be looked at is the same."""
        for name, blob in self.fused.blobs.items():
            self._same(f"data of {name}", blob.data, self.single.blobs[name].data)
            self._same(f"diff of {name}", blob.diff, self.single.blobs[name].diff)
        for name, blobs in self.fused.params.items():
            for i, (ours, theirs) in enumerate(zip(blobs, self.single.params[name], strict=True)):
                self._same(f"parameter {name} {i}", ours.data, theirs.data)
                self._same(f"diff of parameter {name} {i}", ours.diff, theirs.diff)

    def _same(self, what, ours, theirs):
        atol = self.tolerance * max(1.0, np.abs(theirs).max(initial=0))
        np.testing.assert_allclose(ours, theirs, rtol=self.tolerance, atol=atol, err_msg=what)


@pytest.fixture
def pair():
    """Makes pairs; closes them at the end."""
    made = []

    def make(*args, **options):
        made.append(Pair(*args, **options))
        return made[-1]

    yield make
    for one in made:
        for net in one.nets:
            with closing(net):
                pass
