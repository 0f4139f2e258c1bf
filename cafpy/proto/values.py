"""Single values of prototxt text: what each field type accepts, and what to say of anything else."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as FD

from cafpy.errors import did_you_mean
from cafpy.proto.lexer import Token

_TRUE = {"true", "True", "t", "1"}
_FALSE = {"false", "False", "f", "0"}
_INTEGER_RANGE = {
    FD.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FD.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FD.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FD.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


class ValueProblem(Exception):
    """The text is no value of the field; the message says what was wanted, without a place."""


def scalar(field: Any, token: Token, negative: bool) -> Any:
    """The value of one token (behind a minus sign where ``negative``) for a field that is no string or message."""
    if field.cpp_type == FD.CPPTYPE_ENUM:
        return _enum(field, token, negative)
    if token.kind == "string":
        bare = token.text[1:-1]
        raise ValueProblem(
            f"{field.name} wants {_wanted(field)}, not a string; write {field.name}: {bare}, without quotes"
        )
    if field.cpp_type == FD.CPPTYPE_BOOL:
        return _bool(field, token, negative)
    if field.cpp_type in _INTEGER_RANGE:
        return _integer(field, token, negative)
    return _float(field, token, negative)


def string(field: Any, texts: list[str]) -> str | bytes:
    """The value of adjacent quoted strings."""
    raw = b"".join(_unescape(text[1:-1].encode()) for text in texts)
    if field.type == FD.TYPE_BYTES:
        return raw
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ValueProblem(f"{field.name} holds bytes that are not UTF-8") from None


def _unescape(raw: bytes) -> bytes:
    def value(match: re.Match[bytes]) -> bytes:
        octal, hexa, letter = match.groups()
        if octal:
            return bytes([int(octal, 8) & 255])
        return bytes([int(hexa, 16)]) if hexa else _LETTERS.get(letter, letter)

    return _ESCAPE.sub(value, raw)


def _enum(field: Any, token: Token, negative: bool) -> int:
    names = field.enum_type.values_by_name
    choices = f"it is one of {', '.join(names)}"
    if token.kind == "string":
        bare = token.text[1:-1]
        hint = f"write {field.name}: {bare}, without quotes" if bare in names else choices
        raise ValueProblem(f"{field.name} wants a name, not a string; {hint}")
    if token.kind == "name" and not negative:
        if token.text in names:
            return names[token.text].number
        raise ValueProblem(f"{field.name} has no value {token.text}{did_you_mean(token.text, names)}; {choices}")
    if token.kind == "number" and token.text.isdecimal():
        number = -int(token.text) if negative else int(token.text)
        if number in field.enum_type.values_by_number:
            return number
    raise ValueProblem(f"{field.name} has no value {'-' * negative}{token.text}; {choices}")


def _bool(field: Any, token: Token, negative: bool) -> bool:
    if not negative and token.text in _TRUE:
        return True
    if not negative and token.text in _FALSE:
        return False
    raise ValueProblem(f"{field.name} wants true or false, not {'-' * negative}{token.text}")


def _integer(field: Any, token: Token, negative: bool) -> int:
    text = token.text
    if token.kind != "number":
        raise ValueProblem(f"{field.name} wants {_wanted(field)}, not {'-' * negative}{text}")
    try:
        octal = len(text) > 1 and text[0] == "0" and text[1] not in "xX"
        value = int(text, 8 if octal else 0)
    except ValueError:
        raise ValueProblem(f"{field.name} wants a whole number, not {'-' * negative}{text}") from None
    value = -value if negative else value
    low, high = _INTEGER_RANGE[field.cpp_type]
    if value < low == 0:
        raise ValueProblem(f"{field.name} must not be negative, but is {value}")
    if not low <= value <= high:
        raise ValueProblem(f"{field.name} is {value}, out of its range {low} to {high}")
    return value


def _float(field: Any, token: Token, negative: bool) -> float:
    text = token.text.lower()
    if token.kind == "number":
        value = float(int(text, 16)) if text.startswith("0x") else float(text.rstrip("f"))
    elif text in ("inf", "infinity", "nan"):
        value = float(text)
    else:
        raise ValueProblem(f"{field.name} wants a number, not {'-' * negative}{token.text}")
    return -value if negative else value


def _wanted(field: Any) -> str:
    if field.cpp_type == FD.CPPTYPE_BOOL:
        return "true or false"
    return "a whole number" if field.cpp_type in _INTEGER_RANGE else "a number"
