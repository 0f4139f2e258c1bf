"""A place among the tokens of a prototxt: going on, skipping what is wrong, looking ahead."""

from __future__ import annotations

from collections.abc import Collection

from cafpy.proto.lexer import Source, Token

_OPENING = ("{", "<")
_CLOSING = ("}", ">")


class Cursor:
    """Where a parser is in a :class:`Source`; ``at`` is the index of the token that comes next."""

    def __init__(self, source: Source):
        self.source = source
        self.tokens = source.tokens
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def next(self) -> Token:
        token = self.tokens[self.at]
        if token.kind != "end":
            self.at += 1
        return token

    def accept(self, *symbols: str) -> bool:
        """Go over the next token if it is one of these symbols; whether it was."""
        if self.token.kind == "symbol" and self.token.text in symbols:
            self.at += 1
            return True
        return False

    def at_field(self) -> bool:
        """Whether a field begins here: a name and then a : or a brace."""
        return self.token.kind == "name" and self.tokens[self.at + 1].text in (":", *_OPENING)

    # -- after a problem ---------------------------------------------------------------------------------------

    def skip_value(self) -> None:
        """Skip what stands behind a field's name: a value, a list, a message, whatever they hold."""
        self.accept(":")
        if self.token.text in _OPENING:
            self._skip_block()
            return
        if self.accept("["):
            self.skip_list()
            return
        self.accept("-")
        if self.token.kind == "string":
            while self.token.kind == "string":
                self.next()
        elif self.token.kind in ("number", "unknown") or (self.token.kind == "name" and not self.at_field()):
            self.next()

    def skip_list(self) -> None:
        """Skip the rest of a list and its ]; without one, stop where a field begins or the message ends."""
        while self.token.kind != "end" and self.token.text not in ("]", *_CLOSING) and not self.at_field():
            if self.token.text in _OPENING:
                self._skip_block()
            else:
                self.next()
        self.accept("]")

    def _skip_block(self) -> None:
        """Skip a { up to its }; without one, stop where a layer begins."""
        depth = 0
        while self.token.kind != "end":
            if self.token.text in ("layer", "layers") and self.tokens[self.at + 1].text in _OPENING:
                return
            text = self.next().text
            depth += (text in _OPENING) - (text in _CLOSING)
            if depth == 0:
                return

    def skip_line(self) -> None:
        line = self.source.line(self.token)
        self.next()
        while self.token.kind != "end" and self.token.text not in _CLOSING and self.source.line(self.token) == line:
            self.next()

    def skip_to_field(self, names: Collection[str]) -> None:
        """Skip all up to the next field of one of these names."""
        while self.token.kind != "end" and not (self.at_field() and self.token.text in names):
            self.next()

    # -- looking ahead -----------------------------------------------------------------------------------------

    def is_closed(self, index: int) -> bool:
        """Whether the message whose field's name is token ``index`` ends before the next one of that name begins."""
        name, depth = self.tokens[index].text, 0
        for i in range(index + 1, len(self.tokens)):
            text = self.tokens[i].text
            if depth and text == name and self.tokens[i + 1].text in _OPENING:
                return False
            depth += (text in _OPENING) - (text in _CLOSING)
            if depth == 0 and text in _CLOSING:
                return True
        return False

    def string_ahead(self, index: int, field: str) -> str:
        """The string (as quoted) of a field in the message whose field's name is token ``index``, or ""."""
        depth, tokens = 0, self.tokens
        for i in range(index + 1, len(tokens) - 2):
            depth += (tokens[i].text in _OPENING) - (tokens[i].text in _CLOSING)
            if depth == 0 and tokens[i].text in _CLOSING:
                return ""
            if depth == 1 and tokens[i].text == field and tokens[i + 1].text == ":" and tokens[i + 2].kind == "string":
                return tokens[i + 2].text
        return ""

    def count_outermost(self, names: Collection[str]) -> int:
        """How many of the text's outermost fields have one of these names."""
        depth, count = 0, 0
        for token in self.tokens:
            depth += (token.text in _OPENING) - (token.text in _CLOSING)
            count += depth == 0 and token.kind == "name" and token.text in names
        return count
