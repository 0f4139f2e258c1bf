"""What the base of all layers does for them."""

import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.blob import Blob
from cafpy.errors import LayerError
from cafpy.layer import Layer, shape_text
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse


class Plain(Layer):
    options_field = "inner_product_param"


def layer(text="", **options):
    net = parse(f'\nlayer {{ name: "ip" type: "InnerProduct" {text} }}', pb.NetParameter(), "net.prototxt")
    return Plain(net.layer[0], Backend(), **options)


def test_options_and_phase():
    one = layer("inner_product_param { num_output: 7 }", phase=pb.TRAIN, dtype=np.float64)
    assert one.options.num_output == 7
    assert one.training
    assert not layer().training
    assert one.work_array((2, 3)).dtype == np.float64
    assert one.work_array(4, np.int32).dtype == np.int32


def test_an_error_names_the_layer_and_its_line():
    error = layer().error("num_output is missing")
    assert isinstance(error, LayerError)
    assert str(error) == "layer 'ip' (InnerProduct), net.prototxt:2: num_output is missing"


def test_parameters_are_filled_and_learn():
    one = layer(dtype=np.float64)
    weight = one.add_param((2, 3), pb.FillerParameter(type="constant", value=1.5))
    bias = one.add_param([2])
    assert one.blobs == [weight, bias]
    assert one.param_propagate_down == [True, True]
    assert weight.data.dtype == np.float64
    assert weight.data.tolist() == [[1.5] * 3] * 2
    assert bias.data.tolist() == [0, 0]


def test_the_seed_fixes_the_parameters():
    gaussian = pb.FillerParameter(type="gaussian")
    a, b, c = (layer(seed=seed).add_param((5,), gaussian).data.tolist() for seed in (1, 1, 2))
    assert a == b != c


def test_a_filler_that_does_not_fit():
    with pytest.raises(LayerError) as error:
        layer().add_param((2,), pb.FillerParameter(type="gausian"))
    assert str(error.value).startswith(
        "layer 'ip' (InnerProduct), net.prototxt:2: unknown filler type 'gausian' (did you mean 'gaussian'?)"
    )


def test_axis():
    blob = Blob(Backend(), (2, 3, 4))
    one = layer()
    assert [one.axis(i, blob) for i in (0, 2, -1, -3)] == [0, 2, 2, 0]
    with pytest.raises(LayerError) as error:
        one.axis(3, blob, "softmax_param.axis")
    assert str(error.value) == (
        "layer 'ip' (InnerProduct), net.prototxt:2: softmax_param.axis: 3 is out of range for a bottom with 3 axes "
        "(shape 2×3×4); use -3 to 2"
    )


def test_without_a_backward_nobody_may_want_a_gradient():
    one = layer()
    one.backward([], [False], [])
    with pytest.raises(
        LayerError, match="has no gradient, but a layer below it wants one; add `propagate_down: false`"
    ):
        one.backward([], [True], [])


def test_a_layer_must_say_what_it_does():
    for method in ("reshape", "forward"):
        with pytest.raises(NotImplementedError, match=f"Plain has no {method}"):
            getattr(layer(), method)([], [])


@pytest.mark.parametrize(("shape", "text"), [((2, 3), "2×3"), ((5,), "5"), ((), "(no axes)")])
def test_shape_text(shape, text):
    assert shape_text(shape) == text
