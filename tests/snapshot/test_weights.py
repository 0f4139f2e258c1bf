"""Weight files: what is written is read again in every format, and what is broken is named."""

import h5py
import numpy as np
import pytest

from cafpy.errors import WeightsError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.snapshot.solver_state import SolverState
from cafpy.snapshot.states import write_state
from cafpy.snapshot.weights import WRITERS, read_weights, write_weights

NET = """
name: "n"
layer { name: "in" type: "Input" top: "x" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "a/b" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" } param { name: "v" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "c" type: "InnerProduct" bottom: "a" top: "c" param { name: "w" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "d" type: "InnerProduct" bottom: "c" top: "d" param { name: "w" } param { name: "v" }
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
"""


def make_net(text=NET, seed=1, dtype=np.float32):
    net = Net(parse(text, pb.NetParameter()), seed=seed, dtype=dtype)
    for number, parameter in enumerate(net.learnable):
        parameter.blob.data[...] += number + 1
        parameter.blob.diff[...] = number + 0.5
    return net


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("suffix", WRITERS)
def test_what_is_written_is_read(tmp_path, suffix, dtype):
    net = make_net(dtype=dtype)
    path = tmp_path / f"m{suffix}"
    write_weights(net, path)
    weights = read_weights(path)
    assert [name for name in weights if any(a is not None for a in weights[name])][:2] == ["a/b", "c"]
    for parameter in net.learnable:
        read = weights[parameter.layer][parameter.index]
        assert read.dtype == dtype
        np.testing.assert_array_equal(read, parameter.blob.data)
    assert [path.name for path in tmp_path.iterdir()] == [path.name]  # no temporary file is left


def test_a_caffemodel_holds_the_net_and_shared_parameters_for_every_layer(tmp_path):
    net = make_net()
    write_weights(net, tmp_path / "m.caffemodel")
    param = pb.NetParameter.FromString((tmp_path / "m.caffemodel").read_bytes())
    assert [(layer.name, layer.type, len(layer.blobs)) for layer in param.layer] == [
        ("in", "Input", 0),
        ("a/b", "InnerProduct", 2),
        ("c", "InnerProduct", 2),
        ("d", "InnerProduct", 2),
    ]
    assert not any(layer.defined_at for layer in param.layer)
    assert not param.layer[1].blobs[0].diff


def test_hdf5_holds_shared_parameters_once_as_caffe_does(tmp_path):
    write_weights(make_net(), tmp_path / "m.caffemodel.h5")
    with h5py.File(tmp_path / "m.caffemodel.h5") as file:
        names = []
        file.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        assert "in" in file["data"] and "d" in file["data"]
    assert sorted(names) == ["data/a/b/0", "data/a/b/1", "data/c/1"]
    assert read_weights(tmp_path / "m.caffemodel.h5")["c"][0] is None


def test_gradients_are_written_on_request(tmp_path):
    net = make_net()
    write_weights(net, tmp_path / "m.caffemodel", write_diff=True)
    write_weights(net, tmp_path / "m.h5", write_diff=True)
    param = pb.NetParameter.FromString((tmp_path / "m.caffemodel").read_bytes())
    assert list(param.layer[1].blobs[1].diff) == [1.5] * 3
    with h5py.File(tmp_path / "m.h5") as file:
        assert file["diff/a/b/1"][...].tolist() == [1.5] * 3
        assert file["diff/d/0"].shape == (3, 3)
    with pytest.raises(WeightsError, match="holds no gradients"):
        write_weights(net, tmp_path / "m.npz", write_diff=True)


def test_files_are_told_by_their_content(tmp_path):
    net = make_net()
    for suffix in (".caffemodel", ".h5", ".npz"):
        write_weights(net, tmp_path / f"m{suffix}")
        renamed = (tmp_path / f"m{suffix}").rename(tmp_path / "renamed.bin")
        np.testing.assert_array_equal(read_weights(renamed)["c"][1], net.params["c"][1].data)


@pytest.mark.parametrize("age", ["v0", "v1"])
def test_old_caffemodels(golden, age):
    weights = read_weights(golden / f"upgrade/binary_{age}.in.caffemodel")
    upgraded = pb.NetParameter.FromString((golden / f"upgrade/binary_{age}.out.caffemodel").read_bytes())
    wanted = {layer.name: [np.array(blob.data, np.float32) for blob in layer.blobs] for layer in upgraded.layer}
    assert sum(map(len, wanted.values())) > 0
    for name, blobs in wanted.items():
        for ours, theirs in zip(weights.get(name, []), blobs, strict=True):
            np.testing.assert_array_equal(ours.ravel(), theirs)


def test_caffes_own_files(golden):
    folder = golden / "solvers/snap"
    binary = read_weights(folder / "SGD__conv__snap_binaryproto_iter_10.caffemodel")
    hdf5 = read_weights(folder / "SGD__conv__snap_hdf5_iter_10.caffemodel.h5")
    assert list(binary) == ["conv", "ip1", "ip2"]
    assert sorted(hdf5) == sorted(binary)
    for name, blobs in binary.items():
        for ours, theirs in zip(blobs, hdf5[name], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_errors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for suffix in (".caffemodel", ".h5", ".npz"):
        write_weights(make_net(), f"m{suffix}")
        content = (tmp_path / f"m{suffix}").read_bytes()
        (tmp_path / f"cut{suffix}").write_bytes(content[: len(content) // 2 + 1])
    state = SolverState(1, "m.caffemodel", [np.ones(3, np.float32)])
    write_state(state, "s.solverstate")
    write_state(state, "s.solverstate.h5")
    (tmp_path / "text.caffemodel").write_text(NET)
    (tmp_path / "bare.caffemodel").write_bytes(parse(NET, pb.NetParameter()).SerializeToString())
    np.savez("other.npz", weight=np.ones(3))
    with h5py.File("other.h5", "w") as file:
        file["x"] = 1
    for name, text in [
        ("nope.caffemodel", f"the weight file 'nope.caffemodel' does not exist (looked in {tmp_path})"),
        (".", "the weight file '.' is a folder"),
        ("cut.caffemodel", "its content breaks off or is damaged"),
        ("cut.h5", "cut.h5 cannot be read as HDF5; it is damaged or breaks off"),
        ("cut.npz", "cut.npz cannot be read as .npz; it is damaged or breaks off"),
        ("text.caffemodel", "it is a text file; is it a prototxt?"),
        ("bare.caffemodel", "bare.caffemodel holds no weights, only the layers of a net"),
        ("s.solverstate", "s.solverstate is a solver state, not a weight file; resume from it with --snapshot"),
        ("s.solverstate.h5", "it has no group 'data' (it is a solver state)"),
        ("other.h5", "it has no group 'data' (it holds x)"),
        ("other.npz", "array 'weight' is no parameter; names are like 'conv1/0'"),
    ]:
        with pytest.raises(WeightsError) as error:
            read_weights(name)
        assert text in str(error.value)
    with pytest.raises(WeightsError) as error:
        write_weights(make_net(), "m.bin")
    assert str(error.value) == (
        "the suffix of 'm.bin' tells no weight format; use .caffemodel, .caffemodel.h5, .h5, .npz"
    )
