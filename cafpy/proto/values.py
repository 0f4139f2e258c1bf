"""Single values of prototxt text: what each field type accepts, and what to say of anything else."""

from __future__ import annotations

import re
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as FD

from cafpy.errors import did_you_mean
from cafpy.proto.lexer import Token

_BOOLS = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}
_INTEGER_RANGE = {
    FD.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FD.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FD.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FD.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}
_ESCAPE = re.compile(
    rb"""\\(?: ([0-7]{1,3}) | [xX]([0-9a-fA-F]{1,2}) | u([0-9a-fA-F]{4}) | U([0-9a-fA-F]{8}) | (.) )""", re.X | re.S
)
_LETTERS = dict(zip(b"nrtabfv\\'\"?", b"\n\r\t\a\b\f\v\\'\"?", strict=True))
_MOST_CHOICES = 8


class ValueProblem(Exception):
    """The text is no value of the field; the message says what was wanted, without a place."""


def scalar(field: Any, token: Token, negative: bool) -> Any:
    """The value of one token (behind a minus sign where ``negative``) for a field that is no string or message."""
    if token.kind == "string" and field.cpp_type != FD.CPPTYPE_ENUM:
        raise ValueProblem(_not_a_string(field, token.text[1:-1]))
    text = f"-{token.text}" if negative else token.text
    if field.cpp_type == FD.CPPTYPE_ENUM:
        return _enum(field, token, text)
    if field.cpp_type == FD.CPPTYPE_BOOL:
        if text not in _BOOLS:
            raise ValueProblem(f"{field.name} wants true or false, not {text}")
        return _BOOLS[text]
    if field.cpp_type in _INTEGER_RANGE:
        return _integer(field, text)
    return _float(field, text)


def string(field: Any, texts: list[str]) -> str | bytes:
    """The value of adjacent quoted strings."""
    raw = b"".join(_unescape(field, text[1:-1].encode("utf-8", "surrogateescape")) for text in texts)
    if field.type == FD.TYPE_BYTES:
        return raw
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        byte = raw[error.start]
        raise ValueProblem(
            f"{field.name} holds a byte 0x{byte:02x} that is not UTF-8; save the file as UTF-8"
        ) from None


def _unescape(field: Any, raw: bytes) -> bytes:
    def value(match: re.Match[bytes]) -> bytes:
        octal, byte, short, long, letter = match.groups()
        if octal:
            return bytes([int(octal, 8) & 255])
        if byte:
            return bytes([int(byte, 16)])
        if short or long:
            code = int(short or long, 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise ValueProblem(f"{match[0].decode()} in {field.name} is no character")
            return chr(code).encode()
        if letter[0] not in _LETTERS:
            shown = letter.decode("ascii", "replace")
            raise ValueProblem(f"\\{shown} in {field.name} is no escape; for a backslash write \\\\, in a path write /")
        return bytes([_LETTERS[letter[0]]])

    return _ESCAPE.sub(value, raw)


def _enum(field: Any, token: Token, text: str) -> int:
    names = list(field.enum_type.values_by_name)
    few = f"; it is one of {', '.join(names)}" if len(names) <= _MOST_CHOICES else ""
    if token.kind == "string":
        bare = token.text[1:-1]
        if bare in names:
            raise ValueProblem(f"{field.name} wants a name, not a string; write {field.name}: {bare}, without quotes")
        raise ValueProblem(f"{field.name} wants a name, not a string{few}")
    if text in field.enum_type.values_by_name:
        return field.enum_type.values_by_name[text].number
    number = _whole(text)
    if number is not None and number in field.enum_type.values_by_number:
        return number
    hint = did_you_mean(text, names)
    choices = few or ("" if hint else f"; it is one of {', '.join(names)}")
    raise ValueProblem(f"{field.name} has no value {text}{hint}{choices}")


def _integer(field: Any, text: str) -> int:
    value = _whole(text)
    if value is None:
        raise ValueProblem(f"{field.name} wants a whole number, not {text}")
    low, high = _INTEGER_RANGE[field.cpp_type]
    if value < low == 0:
        raise ValueProblem(f"{field.name} must not be negative, but is {value}")
    if not low <= value <= high:
        raise ValueProblem(f"{field.name} is {value}, out of its range {low} to {high}")
    return value


def _whole(text: str) -> int | None:
    """The integer that a text writes, decimal, 0x hexadecimal or 0 octal, or None."""
    digits = text.lstrip("-").lower()
    base = 16 if digits.startswith("0x") else 8 if len(digits) > 1 and digits.startswith("0") else 10
    try:
        value = int(digits, base)
    except ValueError:
        return None
    return -value if text.startswith("-") else value


def _float(field: Any, text: str) -> float:
    lower = text.lower()
    if re.fullmatch(r"-?0(x.*|\d+)", lower):
        raise ValueProblem(f"{field.name} wants a decimal number, not {text}")
    try:
        return float(lower.removesuffix("f") if lower not in ("inf", "-inf") else lower)
    except ValueError:
        raise ValueProblem(f"{field.name} wants a number, not {text}") from None


def _not_a_string(field: Any, bare: str) -> str:
    wanted = _wanted(field)
    try:
        scalar(field, Token("name", bare, 0), False)
    except ValueProblem:
        return f"{field.name} wants {wanted}, not a string"
    return f"{field.name} wants {wanted}, not a string; write {field.name}: {bare}, without quotes"


def _wanted(field: Any) -> str:
    if field.cpp_type == FD.CPPTYPE_BOOL:
        return "true or false"
    return "a whole number" if field.cpp_type in _INTEGER_RANGE else "a number"
