"""Input: its shapes and what it refuses."""

import pytest

from cafpy.testing.case import Case, build

CASES = [
    Case("one", 'type: "Input" input_param { shape { dim: 2 dim: 3 } }'),
    Case("number", 'type: "Input" input_param { shape { } }'),
]


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ("shape { dim: 2 dim: 3 }", [(2, 3), (2, 3)]),
        ("shape { dim: 2 dim: 3 } shape { dim: 2 }", [(2, 3), (2,)]),
    ],
)
def test_shapes(shapes, expected):
    harness = build(Case("two", f'type: "Input" input_param {{ {shapes} }}', tops=2))
    assert [blob.shape for blob in harness.top] == expected


def test_a_changed_shape_stays():
    harness = build(CASES[0])
    harness.top[0].reshape((5, 3))
    harness.layer.reshape([], harness.top)
    assert harness.top[0].shape == (5, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "has no shape; write `input_param { shape { dim: 1 dim: 3 dim: 224 dim: 224 } }`"),
        (
            "input_param { shape { dim: 1 } shape { dim: 2 } }",
            "shape is given 2 times for tops t0, t1, t2; give it once for all, or once for each",
        ),
        (
            "input_param { shape { dim: 0 dim: 3 } }",
            "shape 0×3: dim: 0 came; each must be at least 1 (it can be changed later)",
        ),
        (
            "input_param { shape { dim: 1 dim: -3 } }",
            "shape 1×-3: dim: -3 came; each must be at least 1 (it can be changed later)",
        ),
    ],
)
def test_refuses(refusal, options, said):
    assert refusal(f'type: "Input" {options}', [], tops=3) == said
