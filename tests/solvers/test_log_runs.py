"""Three runs of `caffe train` that were logged: fresh, resumed, fine-tuned. What our solver tells says the same."""

import re

import pytest

from cafpy.backend import CpuBackend
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import read_solver
from cafpy.solvers.observer import Observer
from cafpy.solvers.solver import Solver


class Log(Observer):
    """The lines of Caffe's log that carry numbers, as (text, numbers)."""

    def __init__(self):
        self.entries = []

    def add(self, text, *numbers):
        self.entries.append((text, numbers))

    def outputs(self, kind, outputs):
        flat = [(out, value) for out in outputs for value in out.values.tolist()]
        for i, (out, value) in enumerate(flat):
            loss = (out.loss_weight, out.loss_weight * value) if out.loss_weight else ()
            self.add(f"{kind} net output #{i}: {out.name}", value, *loss)

    def on_test_start(self, solver, index):
        self.add("Testing", solver.iteration, index)

    def on_test(self, solver, index, scores):
        self.add("Test loss", scores.loss)
        self.outputs("Test", scores.outputs)

    def on_display(self, solver, display):
        self.add("loss", display.iteration, display.loss)
        self.outputs("Train", display.outputs)
        self.add("lr", display.iteration, display.rate)

    def on_snapshot(self, solver, model, state):
        self.add(f"Snapshot {model.name}")

    def on_end(self, solver, loss):
        self.add("loss", solver.iteration, loss)


NUMBER = r"(-?[\d.]+(?:e[-+]?\d+)?)"
LINES = [
    (rf"Iteration {NUMBER}, Testing net \(#{NUMBER}\)", "Testing"),
    (rf"Test loss: {NUMBER}", "Test loss"),
    (rf"((?:Test|Train) net output #\d+: \w+) = {NUMBER}(?: \(\* {NUMBER} = {NUMBER} loss\))?", None),
    (rf"Iteration {NUMBER}(?: \(.*\))?, loss = {NUMBER}", "loss"),
    (rf"Iteration {NUMBER}, lr = {NUMBER}", "lr"),
    (r"(Snapshot)ting to binary proto file logs/(\S+)", None),
]


def entries_of(log):
    """The same from the text of a log of `caffe train`."""
    for line in log[log.index("Starting Optimization") :].splitlines():
        for pattern, text in LINES:
            match = re.search(pattern, line)
            if match is None:
                continue
            groups = [group for group in match.groups() if group is not None]
            if text is None and groups[0] == "Snapshot":
                yield " ".join(groups), ()
            else:
                yield text or groups[0], tuple(map(float, groups if text else groups[1:]))
            break


def run(prefix, weights=None, resume_from=None):
    """One run of the logged solver; what it told."""
    param = read_solver("solver/log_run.prototxt")
    param.snapshot_prefix = str(prefix)
    log = Log()
    solver = Solver(param, backend=CpuBackend(), observers=[log])
    if weights:
        solver.load_weights(weights)
    solver.solve(resume_from)
    solver.close()
    return log.entries


OUR_FIELDS = ("solver_type", "layer_position", "learned_net_crc", "crc")


def as_caffe_writes(state):
    """The solver state without what Caffe does not save: the position in the data, and checksums."""
    message = pb.SolverState.FromString(state.read_bytes())
    for field in OUR_FIELDS:
        assert message.HasField(field) if "crc" in field else message.layer_position
        message.ClearField(field)
    state.write_bytes(message.SerializeToString())
    return state


def test_three_runs_tell_and_leave_behind_what_caffes_do(golden, monkeypatch, tmp_path):
    """The second and third run begin with a file of the run before; all write snapshots of the same names."""
    folder = golden / "solvers"
    monkeypatch.chdir(folder)
    prefix = tmp_path / "log_run"
    runs = {"train": run(prefix)}
    state = as_caffe_writes(tmp_path / "log_run_iter_6.solverstate")
    runs["train_resume_from_6"] = run(prefix, resume_from=state)
    runs["train_finetune_from_12"] = run(prefix, weights=tmp_path / "log_run_iter_12.caffemodel")
    for name, entries in runs.items():
        theirs = list(entries_of((folder / f"logs/{name}.log").read_text()))
        assert len(theirs) >= 20
        assert [text for text, _ in entries] == [text for text, _ in theirs]
        for (text, ours), (_, numbers) in zip(entries, theirs, strict=True):
            assert ours == pytest.approx(numbers, rel=1e-4, abs=1e-6), (name, text)
    for iteration in (6, 12):
        for message, suffix in ((pb.NetParameter, "caffemodel"), (pb.SolverState, "solverstate")):
            file = f"log_run_iter_{iteration}.{suffix}"
            ours, theirs = (message.FromString((where / file).read_bytes()) for where in (tmp_path, folder / "logs"))
            assert_same(ours, theirs)


def assert_same(ours, theirs):
    """Equal but for rounding, our own fields and the path of the weights."""
    if isinstance(ours, pb.SolverState):
        for field in OUR_FIELDS:
            ours.ClearField(field)
        ours.learned_net = theirs.learned_net
        blobs = [(ours.history, theirs.history)]
    else:
        blobs = [(a.blobs, b.blobs) for a, b in zip(ours.layer, theirs.layer, strict=True)]
    for mine, his in blobs:
        assert len(mine) == len(his)
        for a, b in zip(mine, his, strict=True):
            assert list(a.data) == pytest.approx(list(b.data), rel=1e-4, abs=1e-6)
            a.ClearField("data")
            b.ClearField("data")
    assert ours == theirs
