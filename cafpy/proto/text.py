"""Reads prototxt files: nets, solvers, any message in protobuf's text format.

Our own reader, because protobuf's stops at the first problem and does not tell the source line. This one goes on,
reports everything that is wrong with file:line:column and the nearest name that would be right, and remembers in
each layer's ``defined_at`` where it stands, so that later errors can say so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from cafpy.errors import PrototxtError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.lexer import Source
from cafpy.proto.text_parser import Parser

M = TypeVar("M", bound=Message)


def read_net(path: str | Path) -> Any:
    """The NetParameter in a prototxt file. Raises PrototxtError, which lists every problem of the file."""
    return read_text(path, pb.NetParameter())


def read_solver(path: str | Path) -> Any:
    """The SolverParameter in a prototxt file. Raises PrototxtError, which lists every problem of the file."""
    return read_text(path, pb.SolverParameter())


def read_text(path: str | Path, message: M) -> M:
    """``message`` filled from a prototxt file."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise PrototxtError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise PrototxtError(f"{path} is a folder; name the prototxt file in it") from None
    except OSError as error:
        raise PrototxtError(f"{path} cannot be read: {error.strerror}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in content[:4096]:
            raise PrototxtError(
                f"{path} is a binary file, not a prototxt; is it a weight file (.caffemodel)?"
            ) from None
        line = content.count(b"\n", 0, error.start) + 1
        raise PrototxtError(
            f"{path}:{line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from None
    if "\0" in text:
        raise PrototxtError(f"{path} is a binary file, not a prototxt; is it a weight file (.caffemodel)?")
    return parse(text, message, str(path))


def parse(text: str, message: M, filename: str = "<text>") -> M:
    """``message`` filled from text; ``filename`` is what errors and ``defined_at`` call it."""
    parser = Parser(Source(text, filename))
    parser.parse(message)
    if parser.problems:
        raise PrototxtError("\n".join(parser.report()))
    return message
