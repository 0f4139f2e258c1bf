"""Datum, the record of Caffe's databases, to and from arrays."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from google.protobuf.message import DecodeError

from cafpy.errors import DataError
from cafpy.feed.image import decode_image
from cafpy.proto import cafpy_pb2 as pb


def parse_datum(value: Any) -> Any:
    """The Datum in a record's bytes. Raises DataError when they are something else."""
    datum = pb.Datum()
    try:
        datum.ParseFromString(value)
    except DecodeError:
        raise DataError(
            f"its {len(value)} bytes are no Datum message; the record is damaged or of another kind"
        ) from None
    return datum


def datum_label(value: Any) -> int:
    """The label in a record's bytes, found without reading its pixels: of a large database only the pages with labels
    come from the disk. Raises DataError when the bytes are no Datum."""
    label, at = 0, 0
    try:
        while at < len(value):
            key, at = _varint(value, at)
            if key & 7 == _VARINT:
                number, at = _varint(value, at)
                if key >> 3 == pb.Datum.LABEL_FIELD_NUMBER:
                    label = number
            elif key & 7 == _BYTES:
                length, at = _varint(value, at)
                at += length
            elif key & 7 in _FIXED:
                at += _FIXED[key & 7]
            else:
                raise IndexError
        if at > len(value):
            raise IndexError
    except IndexError:
        parse_datum(value)  # says what is wrong, and knows every kind of field
        raise DataError(f"its {len(value)} bytes are no Datum message") from None
    return (label & 0xFFFFFFFF ^ 1 << 31) - (1 << 31)  # int32, whose negative numbers stand there as uint64


_VARINT, _BYTES, _FIXED = 0, 2, {1: 8, 5: 4}  # kinds of fields in protobuf's encoding, and lengths


def _as_varint(number: int) -> bytes:
    out = b""
    while number >= 128:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def _varint(value: Any, at: int) -> tuple[int, int]:
    """The number that begins at ``at``, 7 bits a byte, and where it ends."""
    number = shift = 0
    while True:
        byte = value[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def datum_to_image(datum: Any, color: bool | None = None) -> np.ndarray:
    """The picture in a Datum: C×H×W of uint8, or of float32 where it holds float_data; colours are BGR.

    Encoded pictures are decoded: to 3 channels, to 1, or to what they have, as ``color`` is True, False or None.
    Raises DataError (without the record's name) when the content does not fit channels, height and width.
    """
    if datum.encoded:
        return decode_image(datum.data, color)
    shape = (datum.channels, datum.height, datum.width)
    text = "×".join(map(str, shape))
    if min(shape) < 1:
        raise DataError(f"says that it is {text} (channels × height × width); all three must be at least 1")
    data, unit = datum.data, "bytes"
    if data:
        values = np.frombuffer(data, np.uint8)
    else:
        values, unit = np.array(datum.float_data, np.float32), "numbers"
    if values.size != shape[0] * shape[1] * shape[2]:
        raise DataError(f"says that it is {text} (channels × height × width), but holds {values.size} {unit}")
    if color is not None and shape[0] != (3 if color else 1):
        wish, wanted = ("force_color", 3) if color else ("force_gray", 1)
        raise DataError(
            f"is raw data of {shape[0]} channels, and {wish} wants {wanted}: it works on encoded (JPEG, PNG) records "
            f"only; remove it or make the database anew with {'3 channels' if color else 'gray images'}"
        )
    return values.reshape(shape)


def pixels_to_record(pixels: np.ndarray, label: int) -> tuple[bytearray, tuple[int, ...]]:
    """The serialised Datum of an image of H×W×C or H×W bytes, and its shape as C×H×W.

    As :func:`image_to_datum` makes it, with ``encoded: false`` stated, as Caffe's tool does; but the channels are split
    right into the record, where that would copy all pixels three times more.
    """
    height, width = pixels.shape[:2]
    shape = (1 if pixels.ndim == 2 else pixels.shape[2], height, width)
    # the fields of a message, one after the other, are the message
    start = pb.Datum(channels=shape[0], height=height, width=width).SerializeToString()
    start += bytes([pb.Datum.DATA_FIELD_NUMBER << 3 | _BYTES]) + _as_varint(pixels.size)
    end = pb.Datum(label=label, encoded=False).SerializeToString()
    record = bytearray(len(start) + pixels.size + len(end))
    record[: len(start)], record[len(record) - len(end) :] = start, end
    planes = np.frombuffer(record, np.uint8, pixels.size, len(start)).reshape(shape)
    if shape[0] == 1:
        planes[0] = pixels.reshape(height, width)
    else:
        cv2.split(pixels, list(planes))
    return record, shape


def image_to_datum(image: np.ndarray, label: int) -> Any:
    """The Datum of a C×H×W array: raw bytes of uint8, float_data of anything else."""
    channels, height, width = image.shape
    datum = pb.Datum(channels=channels, height=height, width=width, label=label)
    if image.dtype == np.uint8:
        datum.data = image.tobytes()
    else:
        datum.float_data.extend(image.astype(np.float32, copy=False).ravel())
    return datum
