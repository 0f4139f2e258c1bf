import pytest

from cafpy.proto import cafpy_pb2 as pb
from cafpy.proto.text import parse
from cafpy.solvers.ignored_fields import POLICIES, TYPES, ignored_fields
from cafpy.solvers.lr_policy import POLICIES as KNOWN_POLICIES
from cafpy.solvers.update_rule import solver_types


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ('lr_policy: "step" gamma: 0.1 stepsize: 5 momentum: 0.9', []),
        (
            'lr_policy: "fixed" gamma: 0.1 stepvalue: 5 power: 1',
            [
                'gamma is ignored: lr_policy "fixed" does not use it',
                'power is ignored: lr_policy "fixed" does not use it',
                'stepvalue is ignored: lr_policy "fixed" does not use it',
            ],
        ),
        (
            'lr_policy: "fixed" type: "Lion" momentum2: 0.9 rms_decay: 0.9 delta: 1',
            [
                'delta is ignored: type "Lion" does not use it',
                'rms_decay is ignored: type "Lion" does not use it',
            ],
        ),
        (
            'lr_policy: "fixed" rampup_lr: 1 warmup_type: "linear" warmup_start_lr: 1',
            [
                "warmup_start_lr is ignored: there is no warmup_iter",
                "rampup_lr is ignored: there is no rampup_interval",
                "warmup_type is ignored: there is no warmup_iter",
            ],
        ),
        ('lr_policy: "fixed" rampup_lr: 1 rampup_interval: 3 warmup_type: "linear"', []),
        (
            'lr_policy: "fixed" monitor: "loss" monitor_better: "lower"',
            [
                'monitor is ignored: neither lr_policy "plateau" nor early_stop_patience is there to look at it',
                "monitor_better is ignored: no test output is watched",
            ],
        ),
        ('lr_policy: "fixed" monitor: "loss" early_stop_patience: 3', []),
        (
            'lr_policy: "fixed" layer_wise_reduce: false',
            ["layer_wise_reduce is ignored: it tells several GPUs when to exchange gradients, and one device trains"],
        ),
    ],
)
def test_notes(text, notes):
    param = parse(text, pb.SolverParameter(), "s")
    assert [f"{field} is ignored: {why}" for field, why in ignored_fields(param)] == notes


def test_the_tables_name_fields_policies_and_types_that_there_are():
    fields = pb.SolverParameter.DESCRIPTOR.fields_by_name
    assert all(name in fields for name in [*POLICIES, *TYPES])
    assert {name for names in POLICIES.values() for name in names} <= set(KNOWN_POLICIES)
    assert {name for names in TYPES.values() for name in names} <= set(solver_types())


def test_the_solver_tells_them_when_it_is_made(make_solver):
    solver = make_solver("\ngamma: 0.1")
    said = 'solver.prototxt:2: gamma is ignored: lr_policy "fixed" does not use it'
    assert solver.observers[0].of("note") == [("note", 0, said)]
