"""What is wrong with a solver is told with the line of its file."""

import pytest
from click.testing import CliRunner

from cafpy.cli import main
from cafpy.errors import SolverError
from cafpy.solvers.solver import Solver

WHOLE = """net: "net.prototxt"
base_lr: 0.01
lr_policy: "fixed"
max_iter: 1
solver_mode: CPU
"""

MISTAKES = [
    ('"fixed"', '"stepp"', "s.prototxt:3: unknown lr_policy 'stepp' (did you mean 'step'?); "),
    ('"fixed"', '"step" gamma: 0.1', 's.prototxt:3: lr_policy "step" needs stepsize above 0, but it is missing'),
    ('"fixed"', '"step" gamma: 0.1\nstepsize: 0', 's.prototxt:4: lr_policy "step" needs stepsize above 0, but it is 0'),
    ("base_lr: 0.01\n", "", "s.prototxt: the solver has no base_lr"),
    ("max_iter: 1", 'type: "Adamm"', "s.prototxt:4: unknown solver type 'Adamm' (did you mean 'Adam'?)"),
    ("max_iter: 1", 'type: "AdaGrad"\nmomentum: 0.9', "s.prototxt:5: momentum is 0.9, but type"),
    ("max_iter: 1", 'type: "Adam"\nmomentum: 2', "s.prototxt:5: momentum is 2, but type"),
    ("max_iter: 1", 'monitor_better: "more"\nearly_stop_patience: 1', "s.prototxt: the solver watches test results"),
    ("max_iter: 1", 'freeze: "ip1"', "s.prototxt:4: freeze: \"ip1\" matches no layer that has parameters"),
    ("max_iter: 1", "iter_size: 0", "s.prototxt:4: iter_size is 0"),
    ("max_iter: 1", "ema_decay: 2", "s.prototxt:4: ema_decay is 2"),
    ("max_iter: 1", 'snapshot: 1\nsnapshot_prefix: "no/x"', "s.prototxt:5: snapshot_prefix 'no/x': the folder 'no'"),
]  # fmt: skip


def text(folder, old, new):
    assert old in WHOLE
    (folder / "s.prototxt").write_text(WHOLE.replace(old, new))
    return "s.prototxt"


@pytest.mark.parametrize(("old", "new", "said"), MISTAKES)
def test_the_line_of_the_field(folder, old, new, said):
    with pytest.raises(SolverError) as error:
        Solver.from_file(text(folder, old, new))
    assert str(error.value).startswith(said)


def test_every_problem_has_its_line(folder):
    with pytest.raises(SolverError) as error:
        Solver.from_file(text(folder, "max_iter: 1", "snapshot: -2\ntest_iter: 3\ntest_interval: 0"))
    assert [line.split(" ")[:2] for line in str(error.value).splitlines()] == [
        ["s.prototxt:5:", "test_iter"],
        ["s.prototxt:4:", "snapshot"],
    ]


def test_at_the_command_line(folder):
    """Also what shows only when training begins; what the command line brought is not looked for in the file."""
    file = text(folder, "max_iter: 1\n", "")
    result = CliRunner().invoke(main, ["train", "--solver", file])
    assert (result.exit_code, result.output.splitlines()[-1].split(",")[0]) == (
        1,
        "Error: s.prototxt: the solver has no max_iter",
    )
    result = CliRunner().invoke(main, ["train", "--solver", text(folder, "net:", "net:"), "--freeze", "ip1"])
    assert result.output.startswith('Error: freeze: "ip1" matches no layer')
