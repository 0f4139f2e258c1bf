"""Reads prototxt files: nets, solvers, any message in protobuf's text format.

Our own reader, because protobuf's stops at the first problem and does not tell the source line. This one goes on,
reports everything that is wrong with file:line:column and the nearest name that would be right, and remembers in
each layer's ``defined_at`` where it stands, so that later errors can say so.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from google.protobuf.message import Message

from cafpy.errors import PrototxtError
from cafpy.missing_file import does_not_exist
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.blocks import expand_blocks
from cafpy.proto.lexer import Source
from cafpy.proto.sniff import instead, is_text
from cafpy.proto.text_parser import Parser

M = TypeVar("M", bound=Message)


def read_net(path: str | Path) -> pb.NetParameter:
    """The NetParameter in a prototxt file. Raises PrototxtError, which lists every problem of the file."""
    return read_text(path, pb.NetParameter())


def read_solver(path: str | Path) -> pb.SolverParameter:
    """The SolverParameter in a prototxt file. Raises PrototxtError, which lists every problem of the file."""
    return read_text(path, pb.SolverParameter())


def read_text(path: str | Path, message: M) -> M:
    """``message`` filled from a prototxt file."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise PrototxtError(f"the file '{path}' {does_not_exist(path)}") from None
    except IsADirectoryError:
        raise PrototxtError(f"{path} is a folder; name the prototxt file in it") from None
    except OSError as error:
        raise PrototxtError(f"{path} cannot be read: {error.strerror}") from error
    what = instead(content) if content else ""
    if content and not what and not is_text(content):
        what = "it is a binary file; is it a weight file (.caffemodel)?"
    if what:
        raise PrototxtError(f"{path} is not a prototxt: {what}")
    # Caffe does not mind what bytes a comment has, so bytes that are not UTF-8 pass here and are found in strings.
    return parse(content.decode("utf-8-sig", "surrogateescape"), message, str(path))


def parse(text: str, message: M, filename: str = "<text>") -> M:
    """``message`` filled from text; ``filename`` is what errors and ``defined_at`` call it."""
    source = Source(text, filename)
    found = expand_blocks(source) if isinstance(message, pb.NetParameter) else []
    parser = Parser(source)
    parser.problems += found
    parser.parse(message)
    if parser.problems:
        raise PrototxtError("\n".join(parser.report()))
    return message
