"""Binary messages (.caffemodel, .solverstate, mean files) and the arrays in them."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message

from cafpy.errors import WeightsError
from cafpy.proto import cafpy_pb2 as pb

M = TypeVar("M", bound=Message)


def read_net_binary(path: str | Path) -> Any:
    """The NetParameter in a .caffemodel file. Raises WeightsError when it is missing, truncated or something else."""
    return read_binary(path, pb.NetParameter(), "weight file (.caffemodel)")


def read_binary(path: str | Path, message: M, kind: str) -> M:
    """``message`` filled from a binary file; ``kind`` says in errors what the file should have been."""
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder, not a {kind}")
    if not path.exists():
        raise WeightsError(f"there is no file {path}; wanted a {kind}")
    content = path.read_bytes()
    try:
        message.ParseFromString(content)
    except DecodeError:
        raise WeightsError(f"{path} ({len(content)} bytes) is not a {kind}: {_what_it_is(content)}") from None
    if not content or not message.ListFields() or _looks_like_text(content):
        raise WeightsError(f"{path} ({len(content)} bytes) is not a {kind}: {_what_it_is(content)}")
    return message


def _what_it_is(content: bytes) -> str:
    """What a file that cannot be read may be instead, and what to do."""
    start = content[:512].lstrip().lower()
    if not content:
        return "it is empty; was its writer stopped? Fetch or write it again"
    if start.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; run `git lfs pull` to get the real file"
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "it is a web page, so the download went wrong; fetch it again"
    if start.startswith(b"\x89hdf"):
        return "it is an HDF5 file; give its name the ending .h5"
    if _looks_like_text(content):
        return "it is a text file; is it a prototxt?"
    return "its content breaks off or is damaged; fetch or write it again"


def _looks_like_text(content: bytes) -> bool:
    sample = content[:4096]
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in sample)
    return bool(sample) and printable == len(sample)


def blob_to_array(blob: Any) -> np.ndarray:
    """The values of a BlobProto, float32 (or float64 where it holds doubles), in its shape.

    A legacy blob of num, channels, height and width has these four axes. Raises WeightsError when the count of
    values does not fit the shape.
    """
    return _to_array(blob, blob.data, blob.double_data)


def blob_diff_to_array(blob: Any) -> np.ndarray | None:
    """The gradient in a BlobProto, in its shape, or None when it holds none."""
    if not blob.diff and not blob.double_diff:
        return None
    return _to_array(blob, blob.diff, blob.double_diff)


def _to_array(blob: Any, singles: Any, doubles: Any) -> np.ndarray:
    values = np.array(doubles, np.float64) if doubles else np.array(singles, np.float32)
    shape = blob_shape(blob)
    if values.size != prod(shape):
        text = "×".join(map(str, shape)) or "one value"
        raise WeightsError(
            f"a blob of shape {text} ({prod(shape)} values) holds {values.size} values; the file is damaged"
        )
    return values.reshape(shape)


def blob_shape(blob: Any) -> tuple[int, ...]:
    """The shape that a BlobProto states, legacy (num, channels, height, width) or current."""
    if is_legacy(blob):
        return (blob.num, blob.channels, blob.height, blob.width)
    return tuple(blob.shape.dim)


def is_legacy(blob: Any) -> bool:
    """Whether the blob's shape is stated by num, channels, height and width, as before 2014."""
    return any(blob.HasField(name) for name in ("num", "channels", "height", "width"))


def array_to_blob(array: np.ndarray, diff: np.ndarray | None = None) -> Any:
    """A BlobProto of the array's shape with its values (doubles for float64) and, where given, its gradient."""
    doubles = array.dtype == np.float64
    # As packed fields in wire format, because filling a repeated field value by value takes a hundred times as long.
    content = _packed(pb.BlobProto.DOUBLE_DATA_FIELD_NUMBER if doubles else pb.BlobProto.DATA_FIELD_NUMBER, array)
    if diff is not None:
        content += _packed(pb.BlobProto.DOUBLE_DIFF_FIELD_NUMBER if doubles else pb.BlobProto.DIFF_FIELD_NUMBER, diff)
    blob = pb.BlobProto.FromString(content)
    blob.shape.dim.extend(array.shape)
    return blob


def _packed(field: int, array: np.ndarray) -> bytes:
    """A packed repeated field of floats or doubles as protobuf writes it."""
    values = array.astype("<f8" if array.dtype == np.float64 else "<f4", copy=False).tobytes()
    length, size = b"", len(values)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + values if values else b""


def read_mean(path: str | Path) -> np.ndarray:
    """The mean image in a .binaryproto file, float32 of channels × height × width."""
    mean = blob_to_array(read_binary(path, pb.BlobProto(), "mean file (.binaryproto)"))
    while mean.ndim > 3 and mean.shape[0] == 1:
        mean = mean[0]
    if mean.ndim != 3:
        raise WeightsError(f"{path} holds an array of {mean.ndim} axes; a mean image has channels × height × width")
    return mean.astype(np.float32, copy=False)
