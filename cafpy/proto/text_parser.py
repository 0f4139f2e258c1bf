"""The parser behind `cafpy.proto.text`: recursive descent over a message's descriptor that goes on after a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as FD

from cafpy.errors import did_you_mean
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.cursor import Cursor
from cafpy.proto.describe import note_place
from cafpy.proto.lexer import Source, Token
from cafpy.proto.text_hints import (
    Open,
    fields_of,
    is_layer,
    is_repeated,
    is_required,
    kind_of,
    layer_name,
    no_such_field,
)
from cafpy.proto.v1_types import V1_TYPES
from cafpy.proto.values import ValueProblem, scalar, string

_CLOSING = {"{": "}", "<": ">"}
_NO_VALUE = ("{", "}", "<", ">", "]", ",", ";")
_MOST_PROBLEMS = 20


class _Resume(Exception):
    """A closing brace is missing: go on as if the messages from this depth of the stack on had been closed."""

    def __init__(self, depth: int):
        self.depth = depth


class Parser(Cursor):
    """Fills a message from a :class:`Source`; ``report`` says afterwards what was wrong with it."""

    def __init__(self, source: Source):
        super().__init__(source)
        self.stack: list[Open] = []  # the messages that are open, from the outside in
        self.problems: list[tuple[int, str]] = []  # offset in the text, message with its place
        self.root: Any = None

    def parse(self, message: Any) -> None:
        self.root = message
        self._fields(message, "")

    def report(self) -> list[str]:
        """The problems in the file's order, the first twenty of them where there are more."""
        texts = [text for _, text in sorted(self.problems, key=lambda problem: problem[0])]
        more = len(texts) - _MOST_PROBLEMS
        return texts[:_MOST_PROBLEMS] + ([f"... and {more} more problem{'s' * (more > 1)}"] if more > 0 else [])

    def _problem(self, token: Token, message: str) -> None:
        if token.used_at and any(start == token.start for start, _ in self.problems):
            return  # a mistake in a block is said once, however often the block is used
        self.problems.append((token.start, self.source.point_at(token, message)))

    # -- grammar -----------------------------------------------------------------------------------------------

    def _fields(self, message: Any, closing: str) -> None:
        """Fields up to the symbol ``closing``, or to the end of the text where it is ""."""
        seen: dict[str, Token] = {}
        depth = len(self.stack)
        while True:
            token = self.token
            if token.kind == "name":
                try:
                    self._field(message, self.next(), seen)
                except _Resume as resume:
                    if resume.depth < depth:
                        raise
                    del self.stack[depth:]
                self.accept(",", ";")
            elif token.kind == "end":
                if closing:
                    self._never_closed()
                return
            elif token.kind == "symbol" and token.text in ("}", ">"):
                self.next()
                if closing:
                    self._close(message, seen, token, closing)
                    return
                self._problem(token, f"there is a {token.text} too many: nothing is open here")
            else:
                several = (
                    "; several values are a list, [1, 2]" if self.at and self.tokens[self.at - 1].text == "," else ""
                )
                self._problem(token, f"wanted the name of a field, found {token}{several}")
                self.skip_line()

    def _field(self, message: Any, name: Token, seen: dict[str, Token]) -> None:
        field = message.DESCRIPTOR.fields_by_name.get(name.text)
        if field is None or name.text == "defined_at":
            self._unknown_field(message, name)
            return
        repeated = is_repeated(field)
        if not repeated and name.text in seen:
            first = self.source.line(seen[name.text])
            self._problem(name, f"{name.text} is given twice (first in line {first}); it takes one value")
            self.skip_value()
            return
        seen[name.text] = name
        if field.message_type is not None:
            index = self.at - 1
            self.accept(":")
            if repeated and self.accept("["):
                self._list(name, lambda: self._message_value(message, field, name, index))
            else:
                self._message_value(message, field, name, index)
        elif not self.accept(":"):
            self._no_colon(name)
        elif repeated and self.accept("["):
            self._list(name, lambda: self._scalar_value(message, field))
        else:
            self._scalar_value(message, field)

    def _list(self, name: Token, item: Callable[[], bool]) -> None:
        if self.accept("]"):
            return
        while item():
            if self.accept("]"):
                return
            if not self.accept(","):
                self._problem(self.token, f"wanted , or ] in the list of {name.text}, found {self.token}")
                break
        self.skip_list()

    def _message_value(self, message: Any, field: Any, name: Token, index: int) -> bool:
        """Read `{ ... }`; whether there was one."""
        opening = self.token
        if not self.accept("{", "<"):
            self._problem(opening, f"wanted {{ after {name.text}, found {opening}")
            if not self.at_field():
                self.skip_value()
            if self.token.text in _CLOSING:
                self.skip_value()
            return False
        child = getattr(message, field.name)
        if is_repeated(field):
            child = child.add()
        else:
            child.SetInParent()
        if isinstance(child, pb.LayerParameter | pb.V1LayerParameter):
            child.defined_at = f"{self.source.filename}:{self.source.line(name)}{self.source.uses(name)}"
        self.stack.append(Open(name, index, child))
        self._fields(child, _CLOSING[opening.text])
        self.stack.pop()
        return True

    def _scalar_value(self, message: Any, field: Any) -> bool:
        """Read one value into the field; whether it was one."""
        start, begin = self.token, self.at
        try:
            value = self._string(field) if field.type in (FD.TYPE_STRING, FD.TYPE_BYTES) else self._plain_value(field)
        except ValueProblem as problem:
            self._problem(start, f"{self._where()}{problem}")
            if self.at == begin:
                self.skip_value()
            return False
        count = 0
        if is_repeated(field):
            values = getattr(message, field.name)
            count = len(values)
            values.append(value)
        else:
            setattr(message, field.name, value)
        if isinstance(message, pb.SolverParameter):
            note_place(message, field.name, count, f"{self.source.filename}:{self.source.line(start)}")
        return True

    def _plain_value(self, field: Any) -> Any:
        begin = self.at
        negative = self.accept("-")
        token = self.token
        if token.kind not in ("number", "name", "string") or self.at_field():
            self.at = begin
            if token.text == "[":
                raise ValueProblem(f"{field.name} takes one value, not a list")
            raise ValueProblem(f"wanted a value for {field.name}, found {token}")
        self.next()
        if field.full_name == "cafpy.V1LayerParameter.type" and token.kind == "string":
            hint = did_you_mean(token.text[1:-1], V1_TYPES)
            raise ValueProblem(f"in the old `layers {{ }}` type is a name without quotes{hint}; with `layer` a string")
        return scalar(field, token, negative)

    def _string(self, field: Any) -> str | bytes:
        token = self.token
        if token.kind == "string":
            texts = []
            while self.token.kind == "string":
                texts.append(self.next().text)
            return string(field, texts)
        if token.text == "[":
            raise ValueProblem(f"{field.name} takes one string, not a list")
        if token.text in _NO_VALUE or token.kind == "end" or self.at_field():
            raise ValueProblem(f"wanted a string for {field.name}, found {token}")
        if token.kind == "unknown" and token.text[0] in "\"'":
            self.next()
            raise ValueProblem(f"the string of {field.name} has no closing {token.text[0]} in its line")
        word = self.source.word_at(token)
        while self.token.kind != "end" and self.token.start < token.start + len(word):
            self.next()
        if token.kind == "unknown" and not token.text[0].isascii():
            raise ValueProblem(f'wanted a string in plain quotes "…" for {field.name}, found {token}')
        if field.full_name == "cafpy.LayerParameter.type":
            word = V1_TYPES.get(word, word)
        raise ValueProblem(f'{field.name} wants a string in quotes; write {field.name}: "{word}"')

    # -- what is wrong, and where to go on ---------------------------------------------------------------------

    def _where(self) -> str:
        """ "layer 'conv1': " inside a layer, else ""."""
        layer = layer_name(self, self.stack)
        return f"{layer}: " if layer else ""

    def _unknown_field(self, message: Any, name: Token) -> None:
        for depth in reversed(range(len(self.stack))):
            outer = self.stack[depth - 1].message if depth else self.root
            if name.text in fields_of(outer) and not self.is_closed(self.stack[0].at):
                self._missing_brace(name, depth)
        if self.stack or not self._is_of_another_kind(name):
            self._problem(name, no_such_field(self, self.stack, self.root, name.text))
            self.skip_value()

    def _missing_brace(self, name: Token, depth: int) -> None:
        """Say that the message at ``depth`` of the stack should have been closed before ``name``, and close it."""
        opened = self.stack[depth]
        this = "this " if is_layer(opened.message) and opened.name.text == name.text else ""
        line = self.source.line(opened.name)
        self._problem(
            name, f"a }} is missing before {this}{name.text}: the {opened.name.text} of line {line} is still open"
        )
        self.at -= 1
        raise _Resume(depth)

    def _is_of_another_kind(self, name: Token) -> bool:
        """Whether the field is one of another kind of file or of a layer; that is said once for all that follow."""
        solver, net = pb.SolverParameter(), pb.NetParameter()
        if self.root.DESCRIPTOR not in (solver.DESCRIPTOR, net.DESCRIPTOR):
            return False
        other = net if self.root.DESCRIPTOR is solver.DESCRIPTOR else solver
        mine, theirs = set(fields_of(self.root)), set(fields_of(other))
        said = f"a {kind_of(self.root)} has no field '{name.text}'"
        if name.text in theirs and self.count_outermost(theirs - mine) > self.count_outermost(mine - theirs):
            what = "give it as --solver" if other is solver else 'a solver\'s file names it in a line net: "…"'
            self._problem(name, f"this looks like a {kind_of(other)}'s file: {said}, a {kind_of(other)} has; {what}")
            self.at = len(self.tokens) - 1
        elif other is solver and name.text in fields_of(pb.LayerParameter()):
            self._problem(name, f"{name.text} belongs in a layer, and none is open; is there a }} too many above?")
            self.skip_to_field(mine)
        elif name.text in theirs:
            self._problem(name, f"{said}; it belongs in the {kind_of(other)}'s file")
            self.skip_value()
        else:
            return False
        return True

    def _no_colon(self, name: Token) -> None:
        token = self.token
        if token.kind in ("number", "string") or (token.kind == "name" and not self.at_field()) or token.text == "=":
            self._problem(token, f"wanted : between {name.text} and its value")
            if token.text == "=":
                self.next()
        elif token.text in _CLOSING:
            self._problem(token, f"{name.text} holds one value, not {token.text} {_CLOSING[token.text]}")
        else:
            self._problem(token, f"wanted : and a value after {name.text}, found {token}")
            while self.token.kind == "unknown" and not self.token.text[0].isascii():
                self.next()
        self.skip_value()

    def _close(self, message: Any, seen: dict[str, Token], token: Token, closing: str) -> None:
        opened = self.stack[-1].name
        if token.text != closing:
            line = self.source.line(opened)
            self._problem(token, f"{opened.text} of line {line} is closed by {token.text}, wanted {closing}")
        missing = [field.name for field in message.DESCRIPTOR.fields if is_required(field) and field.name not in seen]
        if missing:
            self._problem(opened, f"{self._where()}{opened.text} needs {' and '.join(missing)}")

    def _never_closed(self) -> None:
        opened = self.stack[-1].name
        self._problem(opened, f"{opened.text} is opened here and never closed; a }} is missing")
        raise _Resume(0)
