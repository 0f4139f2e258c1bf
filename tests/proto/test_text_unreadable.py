"""Files that are no prototxt at all: what they are instead, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from cafpy.errors import PrototxtError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_net, read_solver


def unreadable(path: Path) -> str:
    with pytest.raises(PrototxtError) as error:
        read_net(path)
    return str(error.value)


def test_missing_files(tmp_path: Path) -> None:
    (tmp_path / "solver.prototxt").write_text("")
    missing = tmp_path / "sovler.prototxt"
    assert (
        unreadable(missing) == f"the file '{missing}' does not exist (did you mean '{tmp_path / 'solver.prototxt'}'?)"
    )
    far = tmp_path / "no" / "net.prototxt"
    assert unreadable(far) == f"the file '{far}' does not exist"
    assert unreadable(tmp_path) == f"{tmp_path} is a folder; name the prototxt file in it"


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    contents = {
        pb.NetParameter(name="n", layer=[pb.LayerParameter(name="a")]).SerializeToString(): (
            "it is a binary file; is it a weight file (.caffemodel)?"
        ),
        b"\x89HDF\r\n\x1a\n" + bytes(99): "it is an HDF5 file (.h5)",
        'name: "n"'.encode("utf-16"): "it is text in UTF-16; save it as UTF-8",
        b"<!DOCTYPE html>\n<html>404</html>": "it is a web page, so the download went wrong; fetch it again",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": (
            "it is a Git LFS pointer; run `git lfs pull` to get the real file"
        ),
    }
    for content, what in contents.items():
        path.write_bytes(content)
        assert unreadable(path) == f"{path} is not a prototxt: {what}"


def test_a_string_that_is_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes('# fine: ü\nlayer { name: "größe" }'.encode("latin-1"))
    first, *_ = unreadable(path).splitlines()
    assert first == f"{path}:2:15: this layer: name holds a byte 0xf6 that is not UTF-8; save the file as UTF-8"


def test_an_empty_file_is_an_empty_message(tmp_path: Path) -> None:
    (tmp_path / "empty.prototxt").write_text("")
    assert read_net(tmp_path / "empty.prototxt") == pb.NetParameter()
    assert read_solver(tmp_path / "empty.prototxt") == pb.SolverParameter()
