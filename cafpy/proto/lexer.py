"""Cuts prototxt text into tokens, and tells the line and column of each."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space> (?: \s+ | \#[^\n]* )+ )
  | (?P<string> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
  | (?P<number> (?: 0[xX][0-9a-fA-F]+ | (?: \d+\.?\d* | \.\d+ ) (?:[eE][+-]?\d+)? [fF]? ) (?![A-Za-z_0-9.]) )
  | (?P<name> [A-Za-z_][A-Za-z_0-9]* )
  | (?P<symbol> [{}<>\[\]:;,/.-] )
  | (?P<unknown> ["'] [^\n]* | \S [A-Za-z_0-9.]* )
    """,
    re.VERBOSE | re.ASCII,
)


class Token(NamedTuple):
    """``kind`` is "string", "number", "name", "symbol", "unknown", or "end" after the last; ``start`` an offset.

    ``used_at`` is set where the token was written out of a block: the `use` that asked for it.
    """

    kind: str
    text: str
    start: int
    used_at: Token | None = None

    def __str__(self) -> str:
        """How messages call it; a character that looks like another (a curly quote, a no-break space) by its name."""
        first = self.text[:1]
        if self.kind == "unknown" and not first.isascii():
            return f"the character U+{ord(first):04X} ({unicodedata.name(first, 'no character')})"
        return self.text or "the end of the file"


class Source:
    """A prototxt's text with its tokens.

    Attributes:
        filename: how messages call it.
        tokens: all tokens, closed by one of kind "end".
    """

    def __init__(self, text: str, filename: str):
        self.text = text
        self.filename = filename
        self.tokens = [
            Token(match.lastgroup or "", match[0], match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "space"
        ]
        self.tokens.append(Token("end", "", len(text.rstrip())))
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def line(self, token: Token) -> int:
        """The token's line, counted from 1."""
        return bisect_right(self._line_starts, token.start)

    def uses(self, token: Token) -> str:
        """ " (used in line 97)" for a token written out of a block, "" for any other."""
        lines = []
        while token.used_at is not None:
            token = token.used_at
            lines.append(f"in line {self.line(token)}")
        return f" (used {', '.join(lines)})" if lines else ""

    def word_at(self, token: Token) -> str:
        """What stands at a token up to the next space, comment, comma or bracket: a path without quotes, say."""
        found = re.compile(r"[^\s#,;{}<>]+").match(self.text, token.start)
        return found[0] if found else token.text

    def point_at(self, token: Token, message: str) -> str:
        """ "net.prototxt:24:5: message", then the source line and a ^ below the token."""
        line = self.line(token)
        message += self.uses(token)
        start = self._line_starts[line - 1]
        column = token.start - start
        source = self.text[start:].split("\n", 1)[0].rstrip().replace("\t", " ")
        shown = source.lstrip()
        indent = min(len(source) - len(shown), column)
        # a line of thousands of characters (a generated net) is shown around the place
        cut = max(0, column - indent - 60)
        shown = source[indent + cut : indent + cut + 110]
        text = f"{self.filename}:{line}:{column + 1}: {message}\n    {shown}\n    {' ' * (column - indent - cut)}^"
        return text.encode("utf-8", "replace").decode()  # bytes that were not UTF-8 cannot be printed
