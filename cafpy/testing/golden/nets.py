"""Recorded nets: the structure of public nets in both phases, and of mini nets made for the recording (graph.json)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from cafpy.backend import Backend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.testing.golden.material import read_material, with_inputs, without_fillers
from cafpy.testing.golden.outcome import Comparison, Outcome, run_case
from cafpy.testing.golden.structure import build_like, compare_structure


def run_net(path: Path, backend: Backend) -> Iterator[Outcome]:
    """Build a public net in every recorded state, without memory for its numbers."""
    record = json.loads(path.read_text("utf-8"))
    states = {key: value for key, value in record.items() if key.split()[0] in ("TRAIN", "TEST")}
    for state, recorded in states.items():
        facts = record["TEST" if state == "TRAIN" else "TRAIN"] if recorded == "same" else recorded
        phase, *stage = state.split(" stage ")

        def run(compare: Comparison, phase: str = phase, stage: list[str] = stage, facts: Any = facts) -> None:
            inputs = {entry["layer"]: entry["shape"] for entry in record.get("substituted", [])}
            param = without_fillers(with_inputs(read_material(path, record["ref"]), inputs))
            _build_and_compare(param, phase, 0, stage, facts, compare)

        yield run_case("nets", f"{path.stem} {state}", run)


def run_graph(path: Path, backend: Backend) -> Iterator[Outcome]:
    """Build every mini net of graph.json in all its states."""
    for name, graph in json.loads(path.read_text("utf-8")).items():
        for recorded in graph["runs"]:

            def run(compare: Comparison, text: str = graph["prototxt"], recorded: Any = recorded) -> None:
                param = parse(text, pb.NetParameter())
                phase, level, stages = recorded["phase"], recorded["level"], recorded["stages"]
                _build_and_compare(param, phase, level, stages, recorded["net"], compare)

            state = " ".join([recorded["phase"], str(recorded["level"]), *recorded["stages"]])
            yield run_case("graph", f"{name} {state}", run)


def _build_and_compare(
    param: Any, phase: str, level: int, stages: list[str], recorded: dict[str, Any], compare: Comparison
) -> None:
    net = build_like(recorded, param, phase, level, stages)
    compare_structure(net, recorded, compare)
    if net is not None:
        with closing(net):
            pass
