"""Binary messages: read whole or refused with what they are; arrays in and out of blobs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cafpy.errors import WeightsError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.binary import (
    array_to_blob,
    blob_to_array,
    parse_binary,
    read_binary,
    read_mean,
    read_net_binary,
)
from cafpy.proto.packed import pack, unpack


def net_with(*arrays: np.ndarray) -> pb.NetParameter:
    net = pb.NetParameter(name="n")
    for i, array in enumerate(arrays):
        net.layer.add(name=f"ip{i}", type="InnerProduct", blobs=[array_to_blob(array)])
    return net


# -- arrays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (2, 3), (2, 3, 4, 5, 6)])
def test_an_array_comes_back(shape: tuple[int, ...], dtype: type) -> None:
    array = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    blob = pb.BlobProto.FromString(array_to_blob(array, -array).SerializeToString())
    back = blob_to_array(blob)
    np.testing.assert_array_equal(back, array)
    assert back.dtype == dtype or array.size == 0
    assert back.flags.writeable
    if array.size:
        diff = blob.double_diff if dtype == np.float64 else blob.diff
        np.testing.assert_array_equal(np.array(diff, dtype), -array.ravel())
    assert bool(blob.double_data) == (dtype == np.float64 and array.size > 0)


def test_blobs_are_what_protobuf_makes_of_the_values() -> None:
    array = np.array([[1.5, -2, np.inf], [np.nan, 1e-45, 3e38]], np.float32)
    by_value = pb.BlobProto(data=array.ravel().tolist(), shape=pb.BlobShape(dim=[2, 3]))
    assert array_to_blob(array).SerializeToString(deterministic=True) == by_value.SerializeToString(deterministic=True)
    np.testing.assert_array_equal(blob_to_array(by_value), array)


def test_other_layouts_and_types_are_stored_as_they_read() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    for view in (array.T, array[:, ::-1], array.astype(">f4"), array.astype(np.float16), np.asfortranarray(array)):
        np.testing.assert_array_equal(blob_to_array(array_to_blob(view)), view)
    mixed = array_to_blob(np.zeros(2), np.ones(2, np.float32))
    assert (len(mixed.double_diff), len(mixed.diff)) == (2, 0)


def test_legacy_shape_goes_before_shape() -> None:
    blob = pb.BlobProto(num=1, channels=2, height=3, width=4, data=range(24), shape=pb.BlobShape(dim=[24]))
    assert blob_to_array(blob).shape == (1, 2, 3, 4)
    blob.ClearField("num")
    with pytest.raises(
        WeightsError, match=r"a blob of shape 0×2×3×4 \(0 values\) holds 24 values; the file is damaged"
    ):
        blob_to_array(blob)


@pytest.mark.parametrize(
    ("dims", "values", "message"),
    [
        ([2, 3], 5, "a blob of shape 2×3 (6 values) holds 5 values; the file is damaged"),
        ([], 2, "a blob of shape one value (1 values) holds 2 values; the file is damaged"),
        ([-2, -3], 6, "a blob has the shape -2×-3, with a negative axis; the file is damaged"),
    ],
)
def test_count_that_does_not_fit(dims: list[int], values: int, message: str) -> None:
    with pytest.raises(WeightsError) as error:
        blob_to_array(pb.BlobProto(shape=pb.BlobShape(dim=dims), data=range(values)))
    assert str(error.value) == message


def test_wire_format_with_every_kind_of_field_before_the_values() -> None:
    datum = pb.Datum(channels=300, data=b"x" * 200, label=-1)
    state = pb.SolverParameter(delta=0.5, random_seed=-1, momentum2=0.25)
    assert unpack(datum.SerializeToString() + pack(99, np.arange(3, dtype=np.float32)), 99, np.float32).tolist() == [
        0,
        1,
        2,
    ]
    assert unpack(state.SerializeToString() + pack(99, np.array([0.5])), 99, np.float64).tolist() == [0.5]
    fixed64 = bytes([1 << 3 | 1]) + bytes(8)
    assert unpack(fixed64 + pack(2, np.array([2.5])), 2, np.float64).tolist() == [2.5]
    assert unpack(datum.SerializeToString(), 99, np.float32).size == 0


# -- files ---------------------------------------------------------------------------------------------------------


def test_more_than_64_megabytes(tmp_path: Path) -> None:
    array = np.arange(17_000_000, dtype=np.float32)
    path = tmp_path / "big.caffemodel"
    path.write_bytes(net_with(array).SerializeToString())
    assert path.stat().st_size > 64 * 2**20
    np.testing.assert_array_equal(blob_to_array(read_net_binary(path).layer[0].blobs[0]), array)


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as error:
        read_net_binary(path)
    return str(error.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "no.caffemodel"
    assert refusal(path) == f"the weight file (.caffemodel) '{path}' does not exist"
    assert refusal(tmp_path) == f"{tmp_path} is a folder, not a weight file (.caffemodel)"


WRONG = {
    b"": "it is empty; was its writer stopped? Fetch or write it again",
    b'name: "lenet"\nlayer { name: "a" }\n': "it is a text file; is it a prototxt?",
    "# größe\nname: 'n'".encode(): "it is a text file; is it a prototxt?",
    b"\n<!DOCTYPE html><html>404</html>": "it is a web page, so the download went wrong; fetch it again",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n": (
        "it is a Git LFS pointer; run `git lfs pull` to get the real file"
    ),
    b"\x89HDF\r\n\x1a\n" + bytes(100): "it is an HDF5 file (.h5)",
    b"\x1f\x8b\x08" + bytes(100): "it is a compressed archive; unpack it",
    bytes(1000): "its content breaks off or is damaged; fetch or write it again",
    b"\xff\x01" * 50: "its content breaks off or is damaged; fetch or write it again",
    b"\xa0\x1f\x01": "it has none of its fields",
}


@pytest.mark.parametrize(("content", "what"), WRONG.items(), ids=WRONG.values())
def test_something_else(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "m.caffemodel"
    path.write_bytes(content)
    assert refusal(path) == f"{path} ({len(content)} bytes) is not a weight file (.caffemodel): {what}"


def test_every_way_to_break_off_is_found_or_leaves_whole_layers(tmp_path: Path) -> None:
    whole = net_with(np.ones(3, np.float32), np.ones(3, np.float32))
    content = whole.SerializeToString()
    first_layer = len(content) - net_with(np.ones(3, np.float32)).layer[0].ByteSize() - 3
    for size in range(1, len(content)):
        try:
            net = parse_binary(content[:size], pb.NetParameter(), "weight file")
        except WeightsError as error:
            assert "breaks off or is damaged" in str(error) or "it is a text file" in str(error)
        else:
            assert size in (3, first_layer), "cut between two layers, which protobuf cannot see"
            assert len(net.layer) == (size == first_layer)


def test_a_file_that_breaks_off_tells_how_much_is_missing(tmp_path: Path) -> None:
    content = net_with(np.ones(300, np.float32)).SerializeToString()
    path = tmp_path / "cut.caffemodel"
    path.write_bytes(content[:-250])
    assert refusal(path).endswith(
        "its content breaks off or is damaged (at least 250 bytes are missing); fetch or write it again"
    )


def test_other_messages(tmp_path: Path) -> None:
    path = tmp_path / "s.solverstate"
    path.write_bytes(pb.SolverState(iter=3, learned_net="m").SerializeToString())
    assert read_binary(path, pb.SolverState(), "solver state").iter == 3
    path.write_bytes(b"\x08")
    with pytest.raises(WeightsError, match="is not a solver state: its content breaks off or is damaged"):
        read_binary(path, pb.SolverState(), "solver state")


# -- mean files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 3, 4, 5), (3, 4, 5), (1, 1, 3, 4, 5)])
def test_mean(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "mean.binaryproto"
    mean = np.random.default_rng(0).standard_normal((3, 4, 5))
    path.write_bytes(array_to_blob(mean.reshape(shape)).SerializeToString())
    read = read_mean(path)
    assert (read.shape, read.dtype) == ((3, 4, 5), np.float32)
    np.testing.assert_array_equal(read, mean.astype(np.float32))


def test_caffes_own_means(golden: Path) -> None:
    decoded = np.load(golden / "data" / "batches" / "means.npz")
    files = sorted((golden / "data").rglob("*.binaryproto"))
    assert files
    for path in files:
        keys = [key for key in decoded.files if path.stem in key]
        assert keys, path
        np.testing.assert_array_equal(read_mean(path), decoded[keys[0]].reshape(read_mean(path).shape))


def test_no_mean(tmp_path: Path) -> None:
    path = tmp_path / "mean.binaryproto"
    path.write_bytes(array_to_blob(np.zeros((2, 3, 4, 5))).SerializeToString())
    with pytest.raises(WeightsError, match="holds an array of 4 axes; a mean image has channels × height × width"):
        read_mean(path)
    path.write_bytes(pb.BlobProto(num=1, channels=3, height=2, width=2, data=[1]).SerializeToString())
    with pytest.raises(WeightsError) as error:
        read_mean(path)
    assert str(error.value).startswith(f"{path}: a blob of shape 1×3×2×2 (12 values) holds 1 values")
