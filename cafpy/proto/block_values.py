"""What blocks and their uses are made of: $names, what they stand for, and the arguments that a use gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from cafpy.proto.lexer import Token

Values = Mapping[str, Sequence[Token]]  # name -> the tokens that $name stands for: one, or a minus sign and a number

_REFERENCE = re.compile(r"\$(?:\$|\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)|)", re.ASCII)


class Misuse(Exception):
    """A block or use that cannot be read: the tokens to point at, each with what is wrong there."""

    def __init__(self, *problems: tuple[Token, str]):
        self.problems = problems


def references(token: Token) -> list[str]:
    """The names that a token refers to: ["n"] for "conv${n}_x", ["out"] for $out."""
    if token.kind == "string" or token.text.startswith("$"):
        return [match[1] or match[2] for match in _REFERENCE.finditer(token.text) if match[1] or match[2]]
    return []


def filled(tokens: Sequence[Token], values: Values) -> list[Token]:
    """The tokens with what $names stand for in their place."""
    out: list[Token] = []
    for token in tokens:
        if token.kind == "string" and "$" in token.text:
            out.append(token._replace(text=_filled_string(token, values)))
        elif token.text.startswith("$"):
            match = _REFERENCE.fullmatch(token.text)
            if match is None:
                raise Misuse((token, f"{token.text}: a $ begins a name, as in $width"))
            out += _value(match, token, values)
        else:
            out.append(token)
    return out


def _filled_string(token: Token, values: Values) -> str:
    quote = token.text[0]

    def text(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        value = "".join(bare(part) for part in _value(match, token, values))
        return re.sub(rf"(?<!\\){quote}", f"\\{quote}", value)

    return _REFERENCE.sub(text, token.text)


def _value(match: re.Match[str], token: Token, values: Values) -> Sequence[Token]:
    name = match[1] or match[2]
    if not name:
        raise Misuse((token, "a $ begins a name, as in $width or ${width}; for a dollar sign write $$"))
    if name not in values:
        hint = "; $i counts the copies of a use that has `repeat: ...`" if name == "i" else ""
        raise Misuse((token, f"${name} stands for nothing here{hint}"))
    return values[name]


def read_arguments(use: Token, body: Sequence[Token]) -> dict[str, Sequence[Token]]:
    """Name -> value for what stands in the braces of a use."""
    arguments: dict[str, Sequence[Token]] = {}
    at = 0
    while at < len(body):
        name = body[at]
        if name.kind != "name" or at + 1 == len(body) or body[at + 1].text != ":":
            raise Misuse((name, f"wanted an argument of this use, `name: value`, found {name.text}"))
        if name.text in arguments:
            raise Misuse((name, f"{name.text} is given twice; a use gives an argument once"))
        at += 2
        length = 2 if at < len(body) and body[at].text == "-" else 1
        value = body[at : at + length]
        if len(value) < length or not _is_value(value[-1]):
            place = value[-1] if value else use
            raise Misuse((place, f"wanted one value for {name.text}: a string, a number, a word or a $name"))
        arguments[name.text] = value
        at += length
        if at < len(body) and body[at].text in (",", ";"):
            at += 1
    return arguments


def _is_value(token: Token) -> bool:
    return token.kind in ("string", "number", "name") or token.text.startswith("$")


def bare(token: Token) -> str:
    """The token's text, a string's without its quotes."""
    return token.text[1:-1] if token.kind == "string" else token.text
