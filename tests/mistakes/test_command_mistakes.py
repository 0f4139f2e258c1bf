"""The mistakes of golden/errors.md that show at the command line, under their numbers there: a message, exit code 1."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from cafpy.cli import main

DUMMY = (
    'layer { name: "d" type: "DummyData" top: "data" top: "label" '
    'dummy_data_param { shape { dim: 4 dim: 3 } shape { dim: 4 } data_filler { type: "gaussian" } data_filler { value: %s } } }\n'
)
NET = (
    DUMMY % 1
    + 'layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }\n'
    + 'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }\n'
)
SOLVER = 'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2 snapshot_after_train: false solver_mode: CPU '

# number, changes of the net, changes of the solver, further options, what is said
MISTAKES = [
    (60, [("value: 1", "value: 5")], [], [], "label 5 of item 0 is out of range: 'ip' has 5 classes"),
    (62, [("value: 1", "value: -1")], [], [], "label -1 of item 0 is out of range"),
    (104, [], [("net.prototxt", "nope.prototxt")], [], "the net file 'nope.prototxt' does not exist"),
    (104, [], [("net.prototxt", "nett.prototxt")], [], "Error: solver.prototxt:1: net: the net file 'nett.prototxt' does not exist (did you mean 'net.prototxt'?)"),
    (105, [], [('net: "net.prototxt"', "")], [], "the solver names no net"),
    (106, [], [("max_iter", 'test_net: "net.prototxt" test_interval: 1 max_iter')], [], "test_iter"),
    (107, [], [("max_iter", "test_iter: 1 max_iter")], [], "test_interval is missing"),
    (108, [], [('"fixed"', '"stepp"')], [], "(did you mean 'step'?)"),
    (109, [], [('lr_policy: "fixed"', "")], [], "lr_policy"),
    (110, [], [("base_lr: 0.1", "")], [], "base_lr"),
    (110, [], [("base_lr: 0.1", "base_lr: -1")], [], "Error: solver.prototxt:1: base_lr is -1; it must not be negative"),
    (111, [], [('"fixed"', '"step" gamma: 0.1')], [], "stepsize"),
    (112, [], [('"fixed"', '"step" stepsize: 5')], [], "gamma"),
    (113, [], [("max_iter", 'type: "Adamm" max_iter')], [], "unknown solver type 'Adamm' (did you mean 'Adam'?)"),
    (114, [], [("max_iter", 'type: "adam" max_iter')], [], "unknown solver type 'adam' (did you mean 'Adam'?)"),
    (115, [], [("max_iter", 'type: "AdaGrad" momentum: 0.9 max_iter')], [], "momentum is 0.9"),
    (116, [], [("max_iter", 'type: "RMSProp" momentum: 0.9 max_iter')], [], "momentum is 0.9"),
    (117, [], [("max_iter", 'type: "RMSProp" rms_decay: 1 max_iter')], [], "rms_decay is 1"),
    (118, [], [("max_iter", 'weight_decay: 0.1 regularization_type: "L3" max_iter')], [], "L3"),
    (119, [], [("max_iter", 'type: "SGD" solver_type: ADAM max_iter')], [], "remove solver_type"),
    (120, [], [("base_lr", "learning_rate: 0.1 base_lr")], [], "solver.prototxt:1:21: a solver has no field 'learning_rate'"),
    (122, [], [("max_iter", 'snapshot: 1 snapshot_prefix: "nodir/x" max_iter')], [], "mkdir -p nodir"),
    (123, [], [("max_iter", "average_loss: 0 max_iter")], [], "average_loss is 0; it must be at least 1"),
    (124, [], [("max_iter", 'train_net: "net.prototxt" max_iter')], [], "the solver gives its train net 2 times"),
    (126, [], [], ["--weights", "x.caffemodel", "--snapshot", "y.solverstate"], "--weights"),
    (127, [], [], ["--snapshot", "nope.solverstate"], "nope.solverstate"),
    (100, [], [], ["--weights", "nope.caffemodel"], "nope.caffemodel"),
    (101, [], [], ["--weights", "net.prototxt"], "is it a prototxt?"),
    (102, [], [], ["--weights", "broken.caffemodel"], "broken.caffemodel"),
    (130, [], [("base_lr: 0.1", "base_lr: 1e20 weight_decay: 1e15"), ("max_iter: 2", "max_iter: 50")], [], "not finite"),
    (131, [('"SoftmaxWithLoss"', '"Accuracy"')], [], [], "loss"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "net", "solver", "options", "said"), MISTAKES, ids=[str(m[0]) for m in MISTAKES])
def test_mistake(number, net, solver, options, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.prototxt").write_text(_changed(NET, net))
    (tmp_path / "solver.prototxt").write_text(_changed(SOLVER, solver))
    (tmp_path / "broken.caffemodel").write_bytes(b"\x0a\x03net\xa2\x06\xff\xff\x7f")
    result = CliRunner().invoke(main, ["train", "--solver", "solver.prototxt", *options])
    assert result.exit_code == 1, result.output
    assert said in result.output
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


def _changed(text: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text
