import json

import numpy as np
import pytest

from cafpy.errors import WeightsError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.snapshot.load import load_weights
from cafpy.snapshot.weights import WRITERS, write_weights


def make_net(*layers, seed=0):
    """A chain of InnerProduct layers, each given as (name, num_output) or (name, num_output, more options)."""
    text = 'layer { name: "in" type: "Input" top: "in" input_param { shape { dim: 2 dim: 4 } } }\n'
    bottom = "in"
    for name, count, *more in layers:
        text += (
            f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" '
            f'inner_product_param {{ num_output: {count} weight_filler {{ type: "xavier" }} {" ".join(more)} }} }}\n'
        )
        bottom = name
    return Net(parse(text, pb.NetParameter(), "net.prototxt"), seed=seed)


def test_layers_are_matched_by_name():
    net = make_net(("a", 3), ("b", 2))
    before = net.params["b"][0].data.copy()
    weights = {"old": [np.zeros(9)], "a": [np.ones((3, 4), np.float32), np.full(3, 2.0)]}
    report = load_weights(net, weights)
    assert (report.copied, report.missing, report.unused) == (["a"], ["b"], ["old"])
    assert str(report) == (
        "weights: 1 of 2 layers with weights copied; not in the file, so left as they were: b; "
        "in the file but not in the net: old"
    )
    assert (net.params["a"][0].data == 1).all() and (net.params["a"][1].data == 2).all()
    np.testing.assert_array_equal(net.params["b"][0].data, before)


@pytest.mark.parametrize("suffix", WRITERS)
def test_every_format_goes_round(tmp_path, suffix):
    source, target = make_net(("a", 3), ("b", 2), seed=1), make_net(("a", 3), ("b", 2), seed=2)
    write_weights(source, tmp_path / f"m{suffix}")
    report = load_weights(target, tmp_path / f"m{suffix}")
    assert report.copied == ["a", "b"] and not report.missing and not report.unused
    for name in ("a", "b"):
        for ours, theirs in zip(target.params[name], source.params[name], strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data)


def test_legacy_blobs_of_four_axes_fit_as_in_caffe(golden):
    case = json.loads((golden / "upgrade/legacy_shapes.json").read_text())
    net = Net(parse(case["net"], pb.NetParameter()))
    load_weights(net, golden / "upgrade/legacy_shapes.caffemodel")
    for name, blobs in case["params"].items():
        for ours, theirs in zip(net.params[name], blobs, strict=True):
            assert list(ours.shape) == theirs["shape"]
            assert ours.data.ravel().tolist() == theirs["data"]


def test_all_that_does_not_fit_is_said_and_nothing_is_copied():
    net = make_net(("a", 3), ("b", 2), ("c", 2, "bias_term: false"))
    before = net.params["a"][0].data.copy()
    weights = {
        "a": [np.ones((3, 4)), np.ones(3)],
        "b": [np.ones((7, 3)), np.ones(2)],
        "c": [np.ones((2, 2)), np.ones(2)],
    }
    with pytest.raises(WeightsError) as error:
        load_weights(net, weights)
    assert str(error.value) == (
        "layer 'b' (InnerProduct), net.prototxt:3: parameter 0 has shape 2×3 (6), but weights has 7×3 (21) for it. "
        "To learn this layer anew instead of copying it, rename it in the net\n"
        "layer 'c' (InnerProduct), net.prototxt:4: has 1 parameter blob, but weights has 2 for it "
        "(is bias_term the same in both?). To learn this layer anew instead of copying it, rename it in the net"
    )
    np.testing.assert_array_equal(net.params["a"][0].data, before)


def test_a_missing_parameter_is_an_error_unless_it_is_shared():
    with pytest.raises(WeightsError, match="has 2 parameter blobs, but weights has 1 for it"):
        load_weights(make_net(("a", 3)), {"a": [None, np.ones(3)]})


def test_the_same_count_with_as_many_outputs_is_reshaped():
    net = Net(
        parse(
            'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 3 dim: 3 } } } '
            'layer { name: "fc" type: "Convolution" bottom: "x" top: "fc" '
            "convolution_param { num_output: 5 kernel_size: 3 } }",
            pb.NetParameter(),
        )
    )
    weight = np.arange(90, dtype=np.float32).reshape(5, 18)
    report = load_weights(net, {"fc": [weight, np.ones(5, np.float32)]}, strict=True)
    np.testing.assert_array_equal(net.params["fc"][0].data.reshape(5, 18), weight)
    assert report.table() == ["fc  reshaped, as the count agrees: parameter 0 has shape 5×2×3×3, in the file 5×18"]


def test_the_same_count_with_other_outputs_does_not_fit():
    with pytest.raises(WeightsError, match="parameter 0 has shape 3×4"):
        load_weights(make_net(("a", 3)), {"a": [np.ones((4, 3)), np.ones(3)]})


def test_weights_of_another_net():
    with pytest.raises(WeightsError) as error:
        load_weights(make_net(("a", 3)), {name: [np.zeros(3)] for name in ("v", "w", "x", "y", "z")})
    assert str(error.value) == (
        "weights has weights for no layer of this net: the net's are a, the file's v, w, x, y and 1 more. "
        "Layers are matched by name; is it the weight file of another net?"
    )


def test_fine_tuning_keeps_a_layer_of_another_shape_and_copies_the_others():
    net = make_net(("a", 3), ("b", 2), ("c", 2, "bias_term: false"), ("d", 1))
    before = [blob.data.copy() for name in "bcd" for blob in net.params[name]]
    weights = {
        "a": [np.ones((3, 4)), np.ones(3)],
        "b": [np.ones((7, 3)), np.ones(7)],
        "c": [np.ones((2, 2)), np.ones(2)],
        "old": [np.ones(1)],
    }
    report = load_weights(net, weights, fine_tune=True)
    assert (report.copied, report.missing, report.unused) == (["a"], ["d"], ["old"])
    assert (net.params["a"][0].data == 1).all()
    for blob, kept in zip((blob for name in "bcd" for blob in net.params[name]), before, strict=True):
        np.testing.assert_array_equal(blob.data, kept)
    assert report.table() == [
        "a    copied",
        "b    re-initialised: parameter 0 has shape 2×3, in the file 7×3, parameter 1 has shape 2, in the file 7",
        "c    re-initialised: it has 1 parameter blob, the file 2",
        "d    not in the file",
        "old  unused: only in the file",
    ]
    assert str(report) == (
        "weights: 1 of 4 layers with weights copied; of another shape, so learned anew: b, c; "
        "not in the file, so left as they were: d; in the file but not in the net: old"
    )


def test_strict_refuses_all_that_is_not_copied_and_copies_nothing():
    net = make_net(("a", 3), ("b", 2), ("d", 1))
    before = net.params["a"][0].data.copy()
    weights = {
        "a": [np.ones((3, 4)), np.ones(3)],
        "b": [np.ones((2, 2)), np.ones(2)],
        "old": [np.ones(1)],
        "t": [np.ones(1)],
    }
    with pytest.raises(WeightsError) as error:
        load_weights(net, weights, fine_tune=True, strict=True, name="x.caffemodel", elsewhere={"t"})
    assert str(error.value) == (
        "x.caffemodel does not fit the net in all layers, as --strict wants it:\n"
        "layer 'b': re-initialised: parameter 0 has shape 2×3, in the file 2×2\n"
        "layer 'd': not in the file\n"
        "layer 'old': unused: only in the file"
    )
    np.testing.assert_array_equal(net.params["a"][0].data, before)


def test_strict_accepts_what_fits(tmp_path):
    source, target = make_net(("a", 3), seed=1), make_net(("a", 3), seed=2)
    write_weights(source, tmp_path / "m.caffemodel")
    assert load_weights(target, tmp_path / "m.caffemodel", strict=True).copied == ["a"]
