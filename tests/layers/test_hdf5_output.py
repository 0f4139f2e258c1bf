"""HDF5Output: what Caffe writes, pass after pass, a file that is whole or not there, and what it refuses."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from cafpy.backend import Backend
from cafpy.errors import CafpyError
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.case import Case
from cafpy.testing.golden.data import run_batches


def no_files(folder):
    """The layer writes into a folder that is empty at first."""


OUTPUT = 'type: "HDF5Output" hdf5_output_param { file_name: "out.h5" }'
# nothing comes back from the file, so there is no gradient to compare with differences
CASES = [
    Case("images", OUTPUT, [(2, 3, 4, 5), (2,)], tops=0, gradient=(), files=no_files),
    Case("rows", OUTPUT, [(3, 2), (3, 2)], tops=0, gradient=(), files=no_files),
]


def make_net(shapes, file="out.h5"):
    dims = [" ".join(f"dim: {n}" for n in shape) for shape in shapes]
    text = f"""layer {{ name: "in" type: "Input" top: "x" top: "y"
        input_param {{ shape {{ {dims[0]} }} shape {{ {dims[1]} }} }} }}
        layer {{ name: "save" type: "HDF5Output" bottom: "x" bottom: "y"
        hdf5_output_param {{ file_name: "{file}" }} }}"""
    return Net(parse(text, pb.NetParameter(), "net.prototxt"))


def run(net, rng):
    for name in ("x", "y"):
        net.blobs[name].data[...] = rng.standard_normal(net.blobs[name].shape)
    net.forward()
    return [net.blobs[name].data.copy() for name in ("x", "y")]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_recorded_file(golden):
    (outcome,) = run_batches(golden / "data/batches/HDF5Output__basic.npz", Backend())
    assert not outcome.problems


def test_passes_follow_each_other_even_with_other_batch_sizes(folder):
    net = make_net([(2, 3, 2), (2,)])
    rng = np.random.default_rng(1)
    passes = [run(net, rng), run(net, rng)]
    net.blobs["x"].reshape((5, 3, 2))
    net.blobs["y"].reshape((5,))
    passes.append(run(net, rng))
    net.close()
    with h5py.File("out.h5") as file:
        assert {name: file[name].dtype for name in file} == {"data": np.float32, "label": np.float32}
        assert file["data"].shape == (9, 3, 2, 1) and file["label"].shape == (9, 1, 1, 1)
        np.testing.assert_array_equal(file["data"][..., 0], np.concatenate([x for x, _ in passes]))
        np.testing.assert_array_equal(file["label"][:, 0, 0, 0], np.concatenate([y for _, y in passes]))


def test_hdf5_data_reads_it(folder):
    net = make_net([(2, 3), (2,)])
    x, _ = run(net, np.random.default_rng(1))
    net.close()
    (folder / "list.txt").write_text("out.h5\n")
    text = 'layer { name: "d" type: "HDF5Data" top: "data" hdf5_data_param { source: "list.txt" batch_size: 2 } }'
    reader = Net(parse(text, pb.NetParameter()))
    reader.forward()
    np.testing.assert_array_equal(reader.blobs["data"].data[:, :, 0, 0], x)
    reader.close()


def test_the_file_stays_as_it_was_until_the_net_is_closed(folder):
    (folder / "out.h5").write_text("before")
    net = make_net([(2,), (2,)])
    assert [path.name for path in folder.iterdir()] == ["out.h5"]
    run(net, np.random.default_rng(1))
    assert (folder / "out.h5").read_text() == "before"
    net.close()
    net.close()
    assert [path.name for path in folder.iterdir()] == ["out.h5"]
    assert h5py.is_hdf5("out.h5")
    run(net, np.random.default_rng(1))
    net.close()
    with h5py.File("out.h5") as file:
        assert len(file["data"]) == 2


def test_a_net_that_never_ran_writes_nothing(folder):
    make_net([(2,), (2,)]).close()
    assert not list(folder.iterdir())


SCRIPT = """
import sys
from cafpy.net import Net
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
net = Net(parse(sys.argv[1], pb.NetParameter()))
net.forward()
if sys.argv[2] == "dropped":
    del net
    import gc, os
    gc.collect()
    os._exit(0)
"""


@pytest.mark.parametrize("end", ["dropped", "end of the program"])
def test_a_net_that_nobody_closes_still_writes(folder, end):
    text = """layer { name: "d" type: "DummyData" top: "x" top: "y" dummy_data_param { shape { dim: 2 } } }
        layer { name: "save" type: "HDF5Output" bottom: "x" bottom: "y" hdf5_output_param { file_name: "out.h5" } }"""
    done = subprocess.run([sys.executable, "-c", SCRIPT, text, end], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, "")
    with h5py.File("out.h5") as file:
        assert file["data"].shape == (2, 1, 1, 1)


@pytest.mark.parametrize(
    ("shapes", "file", "said"),
    [
        ([(2,), (2,)], "", 'file_name is missing; write `hdf5_output_param { file_name: "features.h5" }`'),
        ([(2,), (2,)], "no/out.h5", "file_name: there is no folder 'no' for 'no/out.h5'; make it first"),
        ([(2,), (2,)], ".", "file_name: '.' is a folder; name a file"),
        (
            [(2, 3), (4,)],
            "out.h5",
            "bottoms of shapes 2×3 and 4 came; data and label must have the same first axis",
        ),
    ],
)
def test_refuses(folder, shapes, file, said):
    with pytest.raises(CafpyError) as raised:
        make_net(shapes, file)
    assert str(raised.value) == f"layer 'save' (HDF5Output), net.prototxt:3: {said}"


def test_refuses_rows_of_another_shape(folder):
    net = make_net([(2, 3), (2,)])
    net.forward()
    net.blobs["x"].reshape((2, 4))
    with pytest.raises(CafpyError) as raised:
        net.forward()
    assert str(raised.value) == (
        "layer 'save' (HDF5Output), net.prototxt:3: 'data' has rows of 4×1×1 now, but those in 'out.h5' are 3×1×1; "
        "close the net in between, or write to another file"
    )
    net.close()
