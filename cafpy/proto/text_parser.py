"""The parser behind `cafpy.proto.text`: recursive descent over a message's descriptor that goes on after a problem."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor as FD

from cafpy.errors import did_you_mean
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.lexer import Source, Token
from cafpy.proto.values import ValueProblem, scalar, string

_CLOSING = {"{": "}", "<": ">"}
_MOST_PROBLEMS = 20


class _NextLayer(Exception):
    """A `layer` begins where only a layer's fields may stand: the one before it was never closed."""


class Parser:
    """Fills a message from a :class:`Source`; what is wrong is in ``problems`` afterwards, in the file's order."""

    def __init__(self, source: Source):
        self.source = source
        self.tokens = source.tokens
        self.at = 0
        self.problems: list[str] = []
        self.open: list[tuple[Token, Any, str]] = []  # for each message that is open: its field's token, itself, name
        self.root: Any = None

    def parse(self, message: Any) -> None:
        self.root = message
        while True:
            try:
                self._fields(message, "")
                return
            except _NextLayer:
                self.open.clear()

    def report(self) -> list[str]:
        """The problems, the first twenty of them where there are more."""
        more = len(self.problems) - _MOST_PROBLEMS
        return self.problems[:_MOST_PROBLEMS] + ([f"... and {more} more problems"] if more > 0 else [])

    # -- tokens ------------------------------------------------------------------------------------------------

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def _next(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def _accept(self, *symbols: str) -> bool:
        if self.token.kind == "symbol" and self.token.text in symbols:
            self.at += 1
            return True
        return False

    def _problem(self, token: Token, message: str) -> None:
        self.problems.append(self.source.point_at(token, message))

    # -- grammar -----------------------------------------------------------------------------------------------

    def _fields(self, message: Any, closing: str) -> None:
        """Fields up to the symbol ``closing``, or to the end of the text where it is ""."""
        seen: dict[str, Token] = {}
        while True:
            token = self.token
            if token.kind == "end":
                if closing:
                    self._unclosed(token)
                return
            if token.kind == "symbol" and token.text == closing and closing:
                self.at += 1
                return
            if token.kind == "name":
                self._field(message, self._next(), seen)
                self._accept(",", ";")
                continue
            self._next()
            if token.text in ("}", ">") and not closing:
                self._problem(token, f"there is a {token.text} too many: nothing is open here")
            else:
                self._problem(token, f"wanted the name of a field, found {token.text}")
                self._skip_line(token)

    def _field(self, message: Any, name: Token, seen: dict[str, Token]) -> None:
        field = message.DESCRIPTOR.fields_by_name.get(name.text)
        if field is None or name.text == "defined_at":
            self._unknown_field(message, name)
            return
        repeated = _is_repeated(field)
        if not repeated and name.text in seen:
            first = self.source.line(seen[name.text])
            self._problem(name, f"{name.text} is given twice (first in line {first}); it takes one value")
            self._skip_value()
            return
        seen[name.text] = name
        if field.message_type is not None:
            self._accept(":")
            if repeated and self._accept("["):
                self._list(lambda: self._message_value(message, field, name))
            else:
                self._message_value(message, field, name)
            return
        if not self._accept(":"):
            self._problem(self.token, f"wanted a : and a value after {name.text}")
            self._skip_value()
            return
        if repeated and self._accept("["):
            self._list(lambda: self._scalar_value(message, field))
        else:
            self._scalar_value(message, field)

    def _list(self, item: Any) -> None:
        while not self._accept("]"):
            before = self.at
            item()
            self._accept(",")
            if self.at == before or self.token.kind == "end":
                return

    def _message_value(self, message: Any, field: Any, name: Token) -> None:
        opening = self.token
        if not self._accept("{", "<"):
            self._problem(opening, f"wanted {{ after {name.text}, found {opening.text or 'the end of the file'}")
            return
        child = getattr(message, field.name)
        if _is_repeated(field):
            child = child.add()
        else:
            child.SetInParent()
        if "defined_at" in child.DESCRIPTOR.fields_by_name:
            child.defined_at = f"{self.source.filename}:{self.source.line(name)}"
        self.open.append((name, child, field.name))
        self._fields(child, _CLOSING[opening.text])
        self.open.pop()

    def _scalar_value(self, message: Any, field: Any) -> None:
        start = self.token
        try:
            if field.type in (FD.TYPE_STRING, FD.TYPE_BYTES):
                value = self._string(field)
            else:
                negative = self._accept("-")
                token = self.token
                if token.kind not in ("number", "name", "string"):
                    raise ValueProblem(f"wanted a value for {field.name}, found {token.text or 'the end of the file'}")
                self._next()
                value = scalar(field, token, negative)
        except ValueProblem as problem:
            self._problem(start, f"{self._place(message)}{problem}")
            return
        if _is_repeated(field):
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)

    def _string(self, field: Any) -> str | bytes:
        token = self.token
        if token.kind == "string":
            texts = []
            while self.token.kind == "string":
                texts.append(self._next().text)
            return string(field, texts)
        if token.text in ("}", ">") or token.kind == "end":
            raise ValueProblem(f"wanted a string for {field.name}, found {token.text or 'the end of the file'}")
        self._next()
        if token.kind == "unknown" and token.text[0] in "\"'":
            raise ValueProblem(f"the string of {field.name} has no closing {token.text[0]} in its line")
        raise ValueProblem(f"{field.name} wants a string in quotes; write {field.name}: {_quoted(field, token.text)}")

    # -- going on after a problem ------------------------------------------------------------------------------

    def _unknown_field(self, message: Any, name: Token) -> None:
        if self.open and name.text in ("layer", "layers") and name.text in self.root.DESCRIPTOR.fields_by_name:
            opener = next(token for token, _, field in self.open if field in ("layer", "layers"))
            innermost = self.open[-1][0]
            text = f"this layer begins before `{innermost.text}` of line {self.source.line(innermost)} is closed"
            if innermost is not opener:
                text += f" (in the layer of line {self.source.line(opener)})"
            self._problem(name, f"{text}; a }} is missing")
            self.at -= 1
            raise _NextLayer
        if not self.open and self._is_other_kind(name):
            return
        self._problem(name, self._no_such_field(message, name.text))
        self._skip_value()

    def _is_other_kind(self, name: Token) -> bool:
        """Whether a solver's file came for a net or the other way round; said once, and the rest is not read."""
        for kind, other in ((pb.NetParameter, pb.SolverParameter), (pb.SolverParameter, pb.NetParameter)):
            if self.root.DESCRIPTOR is kind.DESCRIPTOR and name.text in other.DESCRIPTOR.fields_by_name:
                its, this = _kind(self.root), _kind(other())
                self._problem(
                    name, f"a {its} has no field '{name.text}', but a {this} has; is this a {this}'s prototxt?"
                )
                self.at = len(self.tokens) - 1
                return True
        return False

    def _no_such_field(self, message: Any, name: str) -> str:
        hint = did_you_mean(name, (known for known in message.DESCRIPTOR.fields_by_name if known != "defined_at"))
        if not self.open:
            return f"a {_kind(message)} has no field '{name}'{hint}"
        place, path = self._layer_and_path()
        return f"{place} has no field '{name}'{f' in {path}' if path else ''}{hint}"

    def _layer_and_path(self) -> tuple[str, str]:
        """ "layer 'conv1'" and "convolution_param.weight_filler" for what is open now."""
        fields = [field for _, _, field in self.open]
        outer = self.open[0][1]
        if fields[0] in ("layer", "layers"):
            return f"layer '{outer.name}'" if outer.name else "this layer", ".".join(fields[1:])
        return f"the {_kind(self.root)}", ".".join(fields)

    def _place(self, message: Any) -> str:
        if not self.open or self.open[0][2] not in ("layer", "layers"):
            return ""
        return f"layer '{self.open[0][1].name}': " if self.open[0][1].name else ""

    def _skip_value(self) -> None:
        """Skip what stands behind a field's name: a value, a list, a message, whatever they hold."""
        self._accept(":")
        if self.token.text in ("{", "<", "["):
            depth = 0
            while self.token.kind != "end":
                text = self._next().text
                depth += (text in ("{", "<", "[")) - (text in ("}", ">", "]"))
                if depth == 0:
                    return
            return
        self._accept("-")
        if self.token.kind == "string":
            while self.token.kind == "string":
                self._next()
        elif self.token.kind in ("number", "name", "unknown"):
            self._next()

    def _skip_line(self, token: Token) -> None:
        line = self.source.line(token)
        while self.token.kind != "end" and self.token.text not in ("}", ">") and self.source.line(self.token) == line:
            self._next()

    def _unclosed(self, end: Token) -> None:
        name = self.open[-1][0]
        self._problem(name, f"`{name.text}` is opened here and never closed; a }} is missing")
        self.at = len(self.tokens) - 1
        raise _End


class _End(_NextLayer):
    """The text has ended inside a message; the outer ones are not reported too."""


def _is_repeated(field: Any) -> bool:
    flag = getattr(field, "is_repeated", None)  # protobuf 6 and later; before: label
    return bool(flag) if flag is not None else field.label == FD.LABEL_REPEATED


def _kind(message: Any) -> str:
    return {"NetParameter": "net", "SolverParameter": "solver"}.get(message.DESCRIPTOR.name, message.DESCRIPTOR.name)


def _quoted(field: Any, text: str) -> str:
    """The text in quotes; a layer type of the V1 format becomes today's name."""
    if field.full_name == "cafpy.LayerParameter.type" and text in pb.V1LayerParameter.LayerType.keys():  # noqa: SIM118
        from_v1 = {"CONVOLUTION": "Convolution", "POOLING": "Pooling", "RELU": "ReLU", "DATA": "Data", "LRN": "LRN"}
        text = from_v1.get(text, "".join(part.capitalize() for part in text.split("_")))
    return f'"{text}"'
