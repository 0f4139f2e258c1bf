"""RNN: its cases, its memory and what it refuses (which LSTM refuses too)."""

import numpy as np
import pytest

from cafpy.testing.case import Case, build


def layer(options: str = "num_output: 3") -> str:
    fillers = 'weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "gaussian" std: 0.5 }'
    return f'type: "RNN" recurrent_param {{ {options} {fillers} }}'


EXPOSED = "num_output: 3 expose_hidden: true"
X = (4, 2, 5)  # time steps × sequences × values
CONT = np.array([[0, 0], [1, 1], [0, 1], [1, 1]])
LONG = np.concatenate([CONT, CONT[1:]])  # the first step always forgets what the pass before has left

# Without a gradient to compare: the weight of a state that is 0, and Caffe's gradient of exposed states, which ignores
# what comes from the tops behind the first (test_gradient_with_an_exposed_state checks the rest of it).
CASES = [
    Case("sequences", layer(), [X, CONT]),
    Case("one step", layer(), [(1, 3, 4), np.zeros((1, 3))], gradient=()),
    Case("long", layer(), [(7, 2, 5), LONG]),
    Case("images", layer(), [(4, 2, 3, 2), CONT]),
    Case("testing", layer(), [X, CONT], phase="TEST"),
    Case("input without time", layer(), [X, CONT, (2, 6)]),
    Case("hidden state outside", layer(EXPOSED), [X, np.ones((4, 2)), (1, 2, 3)], tops=2, gradient=()),
    Case("both", layer(EXPOSED), [X, CONT, (2, 6), (1, 2, 3)], tops=2, gradient=()),
]


def run(harness, x, cont):
    harness.set_bottom(0, x)
    harness.set_bottom(1, cont)
    return harness.forward()[0]


def test_the_state_is_kept_between_passes():
    x = np.random.default_rng(3).standard_normal((6, 2, 5))
    cont = np.ones((6, 2))
    cont[0] = 0
    whole = run(build(Case("whole", layer(), [x, cont])), x, cont)
    pieces = build(Case("pieces", layer(), [x[:2], cont[:2]]))
    parts = [run(pieces, x[a:b], cont[a:b]) for a, b in ((0, 2), (2, 4), (4, 6))]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-6)


def test_pieces_may_differ_in_length():
    x = np.random.default_rng(3).standard_normal((6, 2, 5))
    cont = np.ones((6, 2))
    whole = run(build(Case("whole", layer(), [x, cont])), x, cont)
    pieces = build(Case("pieces", layer(), [x[:4], cont[:4]]))
    parts = [run(pieces, x[a:b], cont[a:b]) for a, b in ((0, 4), (4, 5), (5, 6))]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-6)


def test_another_number_of_sequences_begins_anew():
    harness = build(CASES[0])
    x = np.random.default_rng(3).standard_normal((4, 3, 5))
    harness.forward()
    after = run(harness, x, np.ones((4, 3)))
    np.testing.assert_allclose(after, run(build(CASES[0]), x, np.ones((4, 3))), rtol=1e-6)


def test_gradient_with_an_exposed_state():
    x, zero = np.random.default_rng(3).standard_normal(X), np.zeros((1, 2, 3))
    inside = build(Case("inside", layer(), [x, CONT]))
    outside = build(Case("outside", layer(EXPOSED), [x, CONT, zero], tops=2))
    for harness in (inside, outside):
        harness.forward()
        for i, blob in enumerate(harness.top):
            harness.set_top_diff(i, np.random.default_rng(i).standard_normal(blob.shape))
        harness.backward([True, *[False] * 2])
    np.testing.assert_allclose(outside.bottom[0].diff, inside.bottom[0].diff, rtol=1e-6)
    for ours, theirs in zip(outside.layer.blobs, inside.layer.blobs, strict=True):
        np.testing.assert_allclose(ours.diff, theirs.diff, rtol=1e-6)


def test_the_exposed_state_goes_on_where_it_came_from():
    x = np.random.default_rng(3).standard_normal((6, 2, 5))
    h = np.zeros((1, 2, 3))
    whole = build(Case("whole", layer(EXPOSED), [x, np.ones((6, 2)), h], tops=2)).forward()
    first = build(Case("part", layer(EXPOSED), [x[:3], np.ones((3, 2)), h], tops=2)).forward()
    second = build(Case("part", layer(EXPOSED), [x[3:], np.ones((3, 2)), first[1]], tops=2)).forward()
    np.testing.assert_allclose(second[0], whole[0][3:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second[1], whole[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "bottoms", "tops", "text"),
    [
        ("", [X, CONT], 1, "num_output is missing; write `recurrent_param { num_output: … }`, the size of the state"),
        (
            "num_output: 3",
            [X, CONT, (2, 4), (1, 2, 3)],
            1,
            "has 4 bottoms; with expose_hidden: false it takes the input, the sequence indicators, "
            "an input without time if wanted: 2 or 3",
        ),
        (
            EXPOSED,
            [X, CONT],
            2,
            "has 2 bottoms; with expose_hidden: true it takes the input, the sequence indicators, "
            "an input without time if wanted, h_0: 3 or 4",
        ),
        (
            EXPOSED,
            [X, CONT, (1, 2, 3)],
            1,
            "has 1 tops; with expose_hidden: true it gives the output and h_T: 2",
        ),
        ("num_output: 3", [X, CONT], 2, "has 2 tops; with expose_hidden: false it gives the output: 1"),
        (
            "num_output: 3",
            [(4,), (4,)],
            1,
            "bottom 'b0' has shape 4; it must have two axes at least, time steps × sequences",
        ),
        (
            "num_output: 3",
            [X, (4, 3)],
            1,
            "bottom 'b1', the sequence indicators, has shape 4×3; it must have 4×2, as bottom 'b0' is 4×2×5",
        ),
        (
            "num_output: 3",
            [X, CONT, (4, 2, 6)],
            1,
            "bottom 'b2', the input without time, has shape 4×2×6; "
            "its first axis must be the 2 sequences of bottom 'b0' (4×2×5)",
        ),
        (
            EXPOSED,
            [X, CONT, (2, 3)],
            2,
            "bottom 'b2', the first state, has shape 2×3; it must have 1×2×3, as bottom 'b0' is 4×2×5",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, tops, text):
    assert refusal(layer(options), bottoms, tops) == text


def test_refuses_another_size_of_input_later():
    harness = build(CASES[0])
    with pytest.raises(ValueError) as raised:
        run(harness, np.zeros((4, 2, 6)), CONT)
    assert str(raised.value) == (
        "layer 'sequences' (RNN), sequences:1: bottom 'b0' (shape 4×2×6) has 6 values an item, "
        "but this layer was built for 5"
    )
