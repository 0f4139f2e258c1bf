"""What goes wrong while a net is built names the layer and its line."""

import pytest

from cafpy.backend import Backend
from cafpy.errors import LayerError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse


class Small(Backend):
    """A device that holds 100 numbers an array."""

    def zeros(self, shape, dtype):
        array = super().zeros(shape, dtype)
        if array.size > 100:
            raise MemoryError(f"Unable to allocate {array.size} numbers")
        return array


def net(rows):
    text = f"""layer {{ name: "in" type: "Input" top: "in" input_param {{ shape {{ dim: {rows} dim: 4 }} }} }}
        layer {{ name: "ip" type: "InnerProduct" bottom: "in" top: "ip" inner_product_param {{ num_output: 10 }} }}
        force_backward: true"""
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), backend=Small())


WHERE = r"^layer 'ip' \(InnerProduct\), net.prototxt:2: not enough memory \(Unable to allocate {} numbers\); lower"


def test_no_memory_in_forward():
    with pytest.raises(LayerError, match=WHERE.format(200)):
        net(20).forward()


def test_no_memory_in_backward():
    small = net(10)
    small.forward()
    small.blobs["in"].reshape((26, 4))  # as if the gradient were the larger one
    with pytest.raises(LayerError, match=WHERE.format("[0-9]+")):
        small.backward()
