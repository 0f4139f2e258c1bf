"""What goes wrong while a net is built names the layer and its line."""

import pytest

from cafpy.backend import Backend
from cafpy.errors import DataError, LayerError, NetError
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


SPLIT = """
    layer { name: "in" type: "Input" top: "in" top: "label"
            input_param { shape { dim: 2 dim: 3 } shape { dim: 2 } } }
    layer { name: "ip" type: "InnerProduct" bottom: "in" top: "ip" inner_product_param { num_output: 5 } }
    layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
    """


def test_messages_name_blobs_as_the_file_does():
    """`ip` has two readers, so the net gives each a blob of its own, ip_ip_0_split_1."""
    net = Net(parse(SPLIT, pb.NetParameter(), "net.prototxt"))
    assert net.nodes[-1].bottom[0] == "ip_ip_0_split_1"
    net.blobs["label"].data[...] = 5
    with pytest.raises(DataError, match="label 5 of item 0 is out of range: 'ip' has 5 classes"):
        net.forward()


def test_messages_keep_the_names_of_a_split_that_is_written():
    text = SPLIT.replace('top: "ip" inner', 'top: "both" inner').replace(
        'layer { name: "accuracy"',
        'layer { name: "s" type: "Split" bottom: "both" top: "ip" } layer { name: "accuracy"',
    )
    net = Net(parse(text, pb.NetParameter(), "net.prototxt"))
    net.blobs["label"].data[...] = 5
    with pytest.raises(DataError, match="'ip' has 5 classes"):
        net.forward()


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


def test_all_problems_at_once():
    """A type that does not exist does not hide a blob that nobody makes, nor the other way round."""
    text = """layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 2 dim: 3 } } }
        layer { name: "ip" type: "InerProduct" bottom: "in" top: "ip" }
        layer { name: "relu" type: "ReLU" bottom: "ipp" top: "ipp" }
        layer { name: "none" bottom: "ip" top: "none" }"""
    with pytest.raises(NetError) as raised:
        Net(parse(text, pb.NetParameter(), "net.prototxt"))
    lines = str(raised.value).splitlines()
    assert lines[:2] == [
        "layer 'ip' (InerProduct), net.prototxt:2: unknown layer type 'InerProduct' (did you mean 'InnerProduct'?)",
        "layer 'relu' (ReLU), net.prototxt:3: bottom 'ipp' is produced by no layer before it (did you mean 'ip'?)",
    ]
    assert lines[2].startswith("layer 'none' (), net.prototxt:4: the layer has no type; cafpy has AbsVal, ")
    assert len(lines) == 3
