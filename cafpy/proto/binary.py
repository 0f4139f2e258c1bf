"""Binary messages (.caffemodel, .solverstate, mean files) and the arrays in them."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TypeVar

import numpy as np
from google.protobuf.message import DecodeError, Message

from cafpy.errors import WeightsError
from cafpy.missing_file import does_not_exist
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.packed import fields, pack, unpack
from cafpy.proto.sniff import instead, is_text

M = TypeVar("M", bound=Message)

_LIMIT = 2**31 - 1  # bytes of a message, set by protobuf


def read_net_binary(path: str | Path) -> pb.NetParameter:
    """The NetParameter in a .caffemodel file. Raises WeightsError when it is missing, truncated or something else."""
    return read_binary(path, pb.NetParameter(), "weight file (.caffemodel)")


def read_binary(path: str | Path, message: M, kind: str) -> M:
    """``message`` filled from a binary file; ``kind`` says in errors what the file should have been."""
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder, not a {kind}")
    if not path.exists():
        raise WeightsError(f"the {kind} '{path}' {does_not_exist(path)}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    return parse_binary(content, message, kind, str(path))


def parse_binary(content: bytes, message: M, kind: str, name: str = "<bytes>") -> M:
    """``message`` filled from bytes; ``name`` is what errors call them."""
    wrong = f"{name} ({len(content)} bytes) is not a {kind}: "
    if not content or is_text(content):
        raise WeightsError(wrong + (instead(content) or "it is a text file; is it a prototxt?"))
    if len(content) > _LIMIT:
        raise WeightsError(wrong + "protobuf reads no more than 2 GB; use the .h5 file of the same weights")
    try:
        message.ParseFromString(content)
    except DecodeError:
        raise WeightsError(wrong + (instead(content) or _damage(content))) from None
    if not message.ListFields():
        raise WeightsError(wrong + (instead(content) or "it has none of its fields"))
    return message


def _damage(content: bytes) -> str:
    """Where the bytes break off, if they do, as after a download that stopped."""
    end = max((end for _, _, end in fields(content)), default=0)
    missing = f" (at least {end - len(content)} bytes are missing)" if len(content) < end <= _LIMIT else ""
    return f"its content breaks off or is damaged{missing}; fetch or write it again"


def blob_to_array(blob: pb.BlobProto) -> np.ndarray:
    """The values of a BlobProto, float32 (or float64 where it holds doubles), in its shape.

    A legacy blob of num, channels, height and width has these four axes. Raises WeightsError when the count of
    values does not fit the shape.
    """
    if blob.double_data:
        return _to_array(blob, pb.BlobProto.DOUBLE_DATA_FIELD_NUMBER, np.float64)
    return _to_array(blob, pb.BlobProto.DATA_FIELD_NUMBER, np.float32)


def _to_array(blob: pb.BlobProto, field: int, dtype: type[np.floating]) -> np.ndarray:
    values = unpack(blob.SerializeToString(), field, dtype)
    shape = blob_shape(blob)
    text = "×".join(map(str, shape)) or "one value"
    if any(size < 0 for size in shape):
        raise WeightsError(f"a blob has the shape {text}, with a negative axis; the file is damaged")
    if values.size != prod(shape):
        raise WeightsError(
            f"a blob of shape {text} ({prod(shape)} values) holds {values.size} values; the file is damaged"
        )
    return values.reshape(shape)


def blob_shape(blob: pb.BlobProto) -> tuple[int, ...]:
    """The shape that a BlobProto states, legacy (num, channels, height, width) or current."""
    if is_legacy(blob):
        return (blob.num, blob.channels, blob.height, blob.width)
    return tuple(blob.shape.dim)


def is_legacy(blob: pb.BlobProto) -> bool:
    """Whether the blob's shape is stated by num, channels, height and width, as before 2015."""
    return any((blob.HasField("num"), blob.HasField("channels"), blob.HasField("height"), blob.HasField("width")))


def array_to_blob(array: np.ndarray, diff: np.ndarray | None = None) -> pb.BlobProto:
    """A BlobProto of the array's shape with its values (doubles for float64) and, where given, its gradient."""
    if array.dtype == np.float64:
        data_field, diff_field = pb.BlobProto.DOUBLE_DATA_FIELD_NUMBER, pb.BlobProto.DOUBLE_DIFF_FIELD_NUMBER
        dtype: type[np.floating] = np.float64
    else:
        data_field, diff_field = pb.BlobProto.DATA_FIELD_NUMBER, pb.BlobProto.DIFF_FIELD_NUMBER
        dtype = np.float32
    content = pack(data_field, array.astype(dtype, copy=False))
    if diff is not None:
        content += pack(diff_field, diff.astype(dtype, copy=False))
    blob = pb.BlobProto.FromString(content)
    blob.shape.dim.extend(array.shape)
    return blob


def read_mean(path: str | Path) -> np.ndarray:
    """The mean image in a .binaryproto file, float32 of channels × height × width.

    Raises WeightsError when the file is missing, something else, or holds no single image.
    """
    blob = read_binary(path, pb.BlobProto(), "mean file (.binaryproto)")
    try:
        mean = blob_to_array(blob)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None
    while mean.ndim > 3 and mean.shape[0] == 1:
        mean = mean[0]
    if mean.ndim != 3:
        raise WeightsError(f"{path} holds an array of {mean.ndim} axes; a mean image has channels × height × width")
    return mean.astype(np.float32, copy=False)
