import pytest

from cafpy.errors import SolverError
from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.solvers.fields import check_fields


def problems(text):
    with pytest.raises(SolverError) as error:
        check_fields(parse(text, pb.SolverParameter()))
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        'net: "n"',
        'train_net: "n"',
        'net: "n" test_iter: 3 test_interval: 10',
        'train_net: "n" test_net: "t" test_iter: 3 test_interval: 10',
        'net: "n" test_net: "t" test_iter: 3 test_iter: 4 test_interval: 10 test_state { } test_state { stage: "a" }',
        'net: "n" test_interval: 100',
    ],
)
def test_fields_that_fit(text):
    check_fields(parse(text, pb.SolverParameter()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            'net: "n" solver_type: ADAM',
            "solver_type is the old form of type; `cafpy.passes.upgrade_solver` makes the one of the other",
        ),
        ("", 'the solver names no net; write `net: "train_val.prototxt"`'),
        ('net: "n" train_net: "m"', "the solver gives its train net 2 times, as net and as train_net; keep one"),
        (
            'train_net: "n" test_net: "t" test_net: "u" test_iter: 3 test_interval: 5',
            "the solver has 2 test nets, but test_iter is given 1 times; give each its number of test passes",
        ),
        (
            'train_net: "n" test_net: "t" test_iter: 3 test_iter: 4 test_interval: 5',
            "test_iter is given 2 times, but the solver has 1 test net; give one test_iter for each",
        ),
        (
            'net: "n" test_iter: 3',
            "test_iter is given, but test_interval is missing; write how many iterations lie between two tests",
        ),
        (
            'net: "n" test_iter: 0 test_interval: 0',
            "test_iter is given, but test_interval is 0; write how many iterations lie between two tests\n"
            "test_iter is 0; it must be at least 1",
        ),
        (
            'net: "n" test_iter: 3 test_interval: 5 test_state { } test_state { }',
            "test_state is given 2 times for 1 test nets; give it once for each or not at all",
        ),
        ('net: "n" average_loss: 0', "average_loss is 0; it must be at least 1"),
        (
            'net: "n" max_iter: -1 snapshot: -2',
            "max_iter is -1; it must not be negative\nsnapshot is -2; it must not be negative",
        ),
    ],
)
def test_problems(text, said):
    assert problems(text) == said
