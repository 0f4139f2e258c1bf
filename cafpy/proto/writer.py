"""Messages as prototxt, in the form that Caffe's own tools write."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf, isnan
from struct import pack, unpack
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as FD
from google.protobuf.message import Message

from cafpy.proto.text_hints import is_repeated

_ESCAPES = {10: r"\n", 13: r"\r", 9: r"\t", 34: r"\"", 39: r"\'", 92: r"\\"}


def to_text(message: Message) -> str:
    """``message`` as prototxt: fields by number, two spaces a level, one value a line, floats as short as they can be.

    The layers' ``defined_at`` is left out, so the text is what Caffe reads.
    """
    return "".join(f"{line}\n" for line in _lines(message, ""))


def _lines(message: Message, indent: str) -> Iterator[str]:
    for field, value in message.ListFields():
        if field.name == "defined_at":
            continue
        for item in _items(field, value):
            if field.message_type is None:
                yield f"{indent}{field.name}: {_value(field, item)}"
            else:
                yield f"{indent}{field.name} {{"
                yield from _lines(item, f"{indent}  ")
                yield f"{indent}}}"


def _items(field: Any, value: Any) -> list[Any]:
    if not is_repeated(field):
        return [value]
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entry = value.GetEntryClass()
        return [entry(key=key, value=value[key]) for key in sorted(value)]
    return list(value)


def _value(field: Any, value: Any) -> str:
    if field.cpp_type == FD.CPPTYPE_ENUM:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known else str(value)
    if field.type == FD.TYPE_STRING:
        return _quoted(value.encode())
    if field.type == FD.TYPE_BYTES:
        return _quoted(value)
    if field.cpp_type == FD.CPPTYPE_BOOL:
        return "true" if value else "false"
    if field.cpp_type == FD.CPPTYPE_FLOAT:
        return _shortest(value, 6, 9, "f")
    if field.cpp_type == FD.CPPTYPE_DOUBLE:
        return _shortest(value, 15, 17, "d")
    return str(value)


def _shortest(value: float, digits: int, exact_digits: int, kind: str) -> str:
    """The fewer digits where they give the same number again, else all that it takes, as Caffe prints floats."""
    if isnan(value):
        return "nan"
    if isinf(value):
        return "inf" if value > 0 else "-inf"
    short = f"{value:.{digits}g}"
    same = unpack(kind, pack(kind, float(short)))[0] == value
    return short if same else f"{value:.{exact_digits}g}"


def _quoted(raw: bytes) -> str:
    inside = "".join(_ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in raw)
    return f'"{inside}"'
