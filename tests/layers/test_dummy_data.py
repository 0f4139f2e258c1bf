"""DummyData: what is filled when, and what it refuses."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build

CASES = [
    Case("constant", 'type: "DummyData" dummy_data_param { shape { dim: 2 dim: 3 } data_filler { value: 1.5 } }'),
    Case(
        "random",
        'type: "DummyData" dummy_data_param { shape { dim: 2 dim: 30 } data_filler { type: "gaussian" std: 1 } }',
        stochastic=True,
    ),
    Case("old", 'type: "DummyData" dummy_data_param { num: 2 num: 3 channels: 1 height: 3 width: 2 width: 1 }', tops=2),
]


def test_constants_are_filled_once_and_random_numbers_in_every_pass():
    fillers = 'data_filler { value: 4 } data_filler { type: "uniform" }'
    harness = build(Case("two", f'type: "DummyData" dummy_data_param {{ shape {{ dim: 5 }} {fillers} }}', tops=2))
    first = [top.copy() for top in harness.forward()]
    harness.top[0].data[...] = 7
    second = harness.forward()
    assert (first[0] == 4).all() and (second[0] == 7).all()
    assert len(np.unique([first[1], second[1]])) == 10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "shape is given 0 times for tops t0, t1, t2; give it once for all, or once for each"),
        (
            "shape { dim: 1 } shape { dim: 1 }",
            "shape is given 2 times for tops t0, t1, t2; give it once for all, or once for each",
        ),
        (
            "shape { dim: 1 } data_filler { } data_filler { }",
            "data_filler is given 2 times for tops t0, t1, t2; give it once for all, or once for each",
        ),
        (
            "shape { dim: 1 } num: 1 channels: 1 height: 1 width: 1",
            "shape and num, channels, height, width mean the same; keep shape, the new way",
        ),
        ("num: 2 num: 3 num: 4 channels: 1 height: 1", "width is given 0 times; give it once or 3 times"),
        (
            'shape { dim: 1 } data_filler { type: "constnt" }',
            "unknown filler type 'constnt' (did you mean 'constant'?); there are bilinear, constant, gaussian, msra, "
            "positive_unitball, uniform, xavier",
        ),
    ],
)
def test_refuses(refusal, options, said):
    assert refusal(f'type: "DummyData" dummy_data_param {{ {options} }}', [], tops=3) == said
