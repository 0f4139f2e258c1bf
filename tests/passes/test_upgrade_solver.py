"""Solver upgrades against Caffe's upgrade_solver_proto_text, snapshot prefixes against the files that Caffe wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format

from cafpy.errors import SolverError
from cafpy.passes.upgrade_solver import set_snapshot_prefix, upgrade_solver
from cafpy.proto import cafpy_pb2 as pb

FOLDER = Path(__file__).parents[1] / "golden/upgrade"


def parse(text: str) -> pb.SolverParameter:
    return text_format.Parse(text, pb.SolverParameter())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("solver_*.in.prototxt")), ids=lambda path: path.name)
def test_solver_becomes_what_caffe_made_of_it(path: Path) -> None:
    given = parse(path.read_text())
    wanted = path.with_name(path.name.replace(".in.", ".out."))
    if not wanted.exists():  # Caffe aborts
        with pytest.raises(SolverError):
            upgrade_solver(given)
        return
    upgraded, notes = upgrade_solver(given)
    assert upgraded == parse(wanted.read_text())
    assert given == parse(path.read_text()), "the argument was changed"
    assert bool(notes) == given.HasField("solver_type")
    assert notes or upgraded is given


def test_texts() -> None:
    assert upgrade_solver(parse("solver_type: RMSPROP"), "s.prototxt")[1] == [
        's.prototxt: solver_type: RMSPROP became type: "RMSProp"'
    ]
    with pytest.raises(SolverError) as error:
        upgrade_solver(parse('type: "SGD" solver_type: ADAM'), "s.prototxt")
    assert str(error.value) == (
        's.prototxt: the solver has both type: "SGD" and the old solver_type: ADAM; remove solver_type'
    )


def prefix_rows() -> list[list[str]]:
    return [line.split("\t") for line in (FOLDER / "snapshot_prefix.tsv").read_text().splitlines()[1:]]


@pytest.mark.parametrize(("file", "prefix", "written"), prefix_rows())
def test_snapshot_prefix(file: str, prefix: str, written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapdir").mkdir()
    given = pb.SolverParameter() if prefix == "(unset)" else parse(f"snapshot_prefix: {prefix}")
    before = given.SerializeToString()
    named = set_snapshot_prefix(given, file)
    assert f"{named.snapshot_prefix}_iter_1.caffemodel" == written.split()[0]
    assert given.SerializeToString() == before
