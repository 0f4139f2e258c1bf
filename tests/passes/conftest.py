"""Nets from text whose layers know their lines, as the text reader leaves them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from google.protobuf import text_format

from cafpy.proto import cafpy_pb2 as pb


@pytest.fixture
def read_net() -> Callable[[str], pb.NetParameter]:
    def read(text: str) -> pb.NetParameter:
        net = text_format.Parse(text, pb.NetParameter())
        lines = [i for i, line in enumerate(text.splitlines(), 1) if re.match(r"layers? *{", line)]
        for layer, line in zip([*net.layer, *net.layers], lines, strict=True):
            layer.defined_at = f"net.prototxt:{line}"
        return net

    return read
