"""Blocks: layers that come again and again are declared once in a net's file and used with other names and numbers.

    block {
      name: "conv_relu"
      layer {
        name: "conv$n" type: "Convolution" bottom: "$bottom" top: "conv$n"
        convolution_param { num_output: $out kernel_size: 3 pad: 1 }
      }
      layer { name: "relu$n" type: "ReLU" bottom: "conv$n" top: "conv$n" }
    }
    use { block: "conv_relu" n: "1" bottom: "data" out: 64 }
    use { block: "conv_relu" n: "2_$i" bottom: "conv1" out: 128 repeat: 3 }

Inside a block `$out` stands for a value and `$n` (`${n}` where a letter, digit or _ follows) for a part of a string;
each use gives what they stand for. `$$` is a dollar sign. Blocks may use blocks. With `repeat: 3` there are three
copies: in the arguments of that use `$i` counts them from 1, and from the second on `bottom` is the last top of the
copy before.

Layers are written out here, between cutting the text into tokens and parsing it: only there `layer` and `use` still
have their order, and only there a value need not be a number yet. What the parser gives is a plain net.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from cafpy.errors import did_you_mean
from cafpy.proto.block_values import Misuse, Values, bare, filled, read_arguments, references
from cafpy.proto.lexer import Source, Token

_OPENING, _CLOSING = ("{", "<", "["), ("}", ">", "]")
_MOST_LAYERS = 100_000


class _Field(NamedTuple):
    """A `block`, `layer` or `use`: its name, what its braces hold, and all of it."""

    name: Token
    inner: Sequence[Token]
    whole: Sequence[Token]


class _Block(NamedTuple):
    name: Token
    fields: list[_Field] | None  # its layers and uses; None: its declaration is wrong, which is said there


def expand_blocks(source: Source) -> list[tuple[int, str]]:
    """Replace every `use` among ``source.tokens`` by the layers of its block.

    Returns what is wrong with blocks and uses: offsets in the text, messages with their place.
    """
    if not any(token.text in ("block", "use") for token in source.tokens):
        return []
    expander = _Expander(source)
    source.tokens = expander.expand()
    return [(start, source.point_at(token, message)) for (start, message), token in expander.problems.items()]


class _Expander:
    def __init__(self, source: Source):
        self.source = source
        self.problems: dict[tuple[int, str], Token] = {}  # each said once, however often a block is used
        self.blocks: dict[str, _Block] = {}
        self.layers = 0

    def expand(self) -> list[Token]:
        """The file's tokens without the declarations, and with the layers of every use in its place."""
        parts = list(self._parts())
        for part in parts:
            if isinstance(part, _Field) and part.name.text == "block":
                with self._noting():
                    self._declare(part)
        out: list[Token] = []
        for part in parts:
            if isinstance(part, Token):
                out.append(part)
            elif part.name.text == "use":
                with self._noting():
                    out += self._use(part, {}, ())
        return out

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except Misuse as misuse:
            for token, message in misuse.problems:
                self.problems.setdefault((token.start, message), token)

    def _parts(self) -> Iterator[Token | _Field]:
        """The file's tokens, but each `block` and `use` outside of all braces as one field."""
        tokens = self.source.tokens
        at = depth = 0
        while at < len(tokens):
            token = tokens[at]
            field = _field_at(tokens, at) if depth == 0 and token.text in ("block", "use") else None
            if field is None:
                depth = max(0, depth + (token.text in _OPENING) - (token.text in _CLOSING))
                yield token
                at += 1
                continue
            if field.whole[-1].kind == "end":
                message = f"`{token.text}` is opened here and never closed; a }} is missing"
                self.problems[token.start, message] = token
                yield tokens[-1]
                return
            yield field
            at += len(field.whole)

    def _declare(self, field: _Field) -> None:
        inner = field.inner
        if [token.text for token in inner[:2]] != ["name", ":"] or len(inner) < 3 or inner[2].kind != "string":
            raise Misuse((field.name, 'a block begins with its name: block { name: "..." layer { ... } }'))
        name = bare(inner[2])
        if name in self.blocks:
            first = self.source.line(self.blocks[name].name)
            raise Misuse((inner[2], f"block '{name}' is declared twice (first in line {first})"))
        self.blocks[name] = _Block(inner[2], None)
        fields = []
        at = 3
        while at < len(inner):
            part = _field_at(inner, at) if inner[at].text in ("layer", "use") else None
            if part is None:
                raise Misuse((inner[at], f"block '{name}' holds `layer {{` and `use {{`, not `{inner[at].text}`"))
            fields.append(part)
            at += len(part.whole)
        self.blocks[name] = self.blocks[name]._replace(fields=fields)

    def _use(self, field: _Field, scope: Values, outer: tuple[str, ...]) -> list[Token]:
        """The layers of one use; ``scope`` is what $names in its arguments stand for, ``outer`` the blocks around."""
        arguments = read_arguments(field.name, field.inner)
        block = self._block(field.name, filled(arguments.pop("block", ()), scope), outer)
        if block.fields is None:
            return []
        repeat = arguments.pop("repeat", None)
        check_arguments(self.source, field.name, block, arguments)
        out: list[Token] = []
        for i in range(1, _count(filled(repeat, scope)) + 1 if repeat else 2):
            counting = {**scope, "i": [Token("number", str(i), field.name.start)]} if repeat else scope
            values: dict[str, Sequence[Token]] = {key: filled(value, counting) for key, value in arguments.items()}
            if i > 1 and "bottom" in values:
                values["bottom"] = _last_top(out) or values["bottom"]
            out += self._layers(field.name, block, values, (*outer, bare(block.name)))
        return out

    def _layers(self, use: Token, block: _Block, values: Values, outer: tuple[str, ...]) -> list[Token]:
        out: list[Token] = []
        for field in block.fields or ():
            if field.name.text == "use":
                out += self._use(field._replace(name=field.name._replace(used_at=use)), values, outer)
                continue
            self.layers += 1
            if self.layers > _MOST_LAYERS:
                raise Misuse((use, f"the uses make more than {_MOST_LAYERS:,} layers"))
            out += filled([token._replace(used_at=use) for token in field.whole], values)
        return out

    def _block(self, use: Token, value: Sequence[Token], outer: tuple[str, ...]) -> _Block:
        if len(value) != 1 or value[0].kind != "string":
            raise Misuse((use, 'which block is used? write use { block: "..." ... }'))
        name = bare(value[0])
        if name not in self.blocks:
            known = f"there are {', '.join(self.blocks)}" if self.blocks else "the file declares none"
            raise Misuse((value[0], f"there is no block '{name}'{did_you_mean(name, self.blocks)}; {known}"))
        if name in outer:
            raise Misuse((value[0], f"a block cannot use itself: {' uses '.join([*outer, name])}"))
        return self.blocks[name]


def check_arguments(source: Source, use: Token, block: _Block, arguments: Values) -> None:
    """Raise Misuse unless the arguments are those that the block refers to."""
    name = bare(block.name)
    wanted = _wanted(block)
    problems = []
    meant = set()  # arguments that a $name without braces hides
    for key, token in wanted.items():
        if key in arguments:
            continue
        part = max((given for given in arguments if key.startswith(f"{given}_")), key=len, default="")
        if part:
            meant.add(part)
            problems.append((token, f"nobody gives a value for ${key}; is ${{{part}}}{key[len(part) :]} meant?"))
            continue
        where = f"block '{name}' has ${key} in line {source.line(token)}"
        problems.append((use, f"{where}, but this use gives no {key}; add `{key}: ...`"))
    for key, value in arguments.items():
        if key not in wanted and key not in meant:
            has = f"; it has {', '.join(f'${known}' for known in wanted)}" if wanted else ""
            problems.append((value[0], f"block '{name}' has no ${key}{did_you_mean(key, wanted)}{has}"))
    if problems:
        raise Misuse(*problems)


def _wanted(block: _Block) -> dict[str, Token]:
    """Name -> the first token that refers to it, for everything that a use of the block must give."""
    wanted: dict[str, Token] = {}
    for field in block.fields or ():
        counts = field.name.text == "use" and any(token.text == "repeat" for token in field.inner)
        for token in field.inner:
            for name in references(token):
                if not (counts and name == "i"):
                    wanted.setdefault(name, token)
    return wanted


def _count(value: Sequence[Token]) -> int:
    text = "".join(bare(token) for token in value)
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_LAYERS:
        raise Misuse((value[0], f"repeat wants a whole number from 1 on, not {text}"))
    return int(text)


def _field_at(tokens: Sequence[Token], at: int) -> _Field | None:
    """The field that begins at ``at``, None when no brace follows its name. Unclosed, it goes on to the last token."""
    start = at + (2 if at + 1 < len(tokens) and tokens[at + 1].text == ":" else 1)
    if start >= len(tokens) or tokens[start].text != "{":
        return None
    depth = 0
    for end in range(start, len(tokens)):
        depth += (tokens[end].text in _OPENING) - (tokens[end].text in _CLOSING)
        if depth == 0:
            return _Field(tokens[at], tokens[start + 1 : end], tokens[at : end + 1])
    return _Field(tokens[at], tokens[start + 1 :], tokens[at:])


def _last_top(tokens: Sequence[Token]) -> Sequence[Token]:
    for at in range(len(tokens) - 3, -1, -1):
        if tokens[at].text == "top" and tokens[at + 1].text == ":" and tokens[at + 2].kind == "string":
            return tokens[at + 2 : at + 3]
    return ()
