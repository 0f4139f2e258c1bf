"""Classes of Python layers as one writes them for pycaffe."""

import json

import numpy as np

from cafpy.layers.python import PythonLayer


class EuclideanLossLayer:
    """Half the squared distance of two blobs, by the number of items."""

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise Exception("Need two inputs to compute distance.")

    def reshape(self, bottom, top):
        if bottom[0].count != bottom[1].count:
            raise Exception("Inputs must have the same dimension.")
        self.difference = np.zeros_like(bottom[0].data)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.difference[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.difference**2) / bottom[0].num / 2.0

    def backward(self, top, propagate_down, bottom):
        for i, sign in ((0, 1), (1, -1)):
            if propagate_down[i]:
                bottom[i].diff[...] = sign * self.difference * top[0].diff[0] / bottom[i].num


class Affine:
    """scale * x + shift for each channel; scale is a parameter that learns, shift another."""

    def __init__(self, p_object, *args, **kwargs):
        self.name = p_object.name

    def setup(self, bottom, top):
        self.start = json.loads(self.param_str)["start"]
        self.blobs.add_blob(bottom[0].channels)
        self.blobs.add_blob(bottom[0].channels)
        self.blobs[0].data[...] = self.start

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom, top):
        scale, shift = (blob.data.reshape(-1, 1, 1) for blob in self.blobs)
        self.x = bottom[0].data.copy()
        top[0].data[...] = scale * self.x + shift

    def backward(self, top, propagate_down, bottom):
        above = top[0].diff.copy()
        self.blobs[0].diff[...] += (above * self.x).sum((0, 2, 3))
        self.blobs[1].diff[...] += above.sum((0, 2, 3))
        if propagate_down[0]:
            bottom[0].diff[...] = self.blobs[0].data.reshape(-1, 1, 1) * above


class Counter(PythonLayer):
    """A top whose shape changes in forward."""

    def setup(self, bottom, top):
        self.passes = 0

    def reshape(self, bottom, top):
        top[0].reshape(1, 2)

    def forward(self, bottom, top):
        self.passes += 1
        top[0].reshape(self.passes, 2)
        top[0].data[...] = self.passes + 10 * self.phase


class Mistakes:
    """param_str names the method that fails, and how."""

    def setup(self, bottom, top):
        self.fail("setup", bottom, top)

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].shape)
        self.fail("reshape", bottom, top)

    def forward(self, bottom, top):
        self.fail("forward", bottom, top)

    def fail(self, method, bottom, top):
        if self.param_str.startswith(method):
            exec(self.param_str.partition(": ")[2])


class Nothing:
    pass


not_a_class = 3
