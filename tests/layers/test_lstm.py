"""LSTM: its cases and its memory. (What it refuses is tested with RNN, which shares the code.)"""

import numpy as np

from cafpy.testing.case import Case, build


def layer(options: str = "num_output: 3") -> str:
    fillers = 'weight_filler { type: "gaussian" std: 0.5 } bias_filler { type: "gaussian" std: 0.5 }'
    return f'type: "LSTM" recurrent_param {{ {options} {fillers} }}'


EXPOSED = "num_output: 3 expose_hidden: true"
X = (4, 2, 5)  # time steps × sequences × values
STATE = (1, 2, 3)
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
    Case("states outside", layer(EXPOSED), [X, np.ones((4, 2)), STATE, STATE], tops=3, gradient=()),
    Case("both", layer(EXPOSED), [X, CONT, (2, 6), STATE, STATE], tops=3, gradient=()),
]


def test_the_state_is_kept_between_passes():
    x = np.random.default_rng(3).standard_normal((6, 2, 5))
    cont = np.ones((6, 2))
    whole = build(Case("whole", layer(), [x, cont])).forward()[0]
    pieces = build(Case("pieces", layer(), [x[:3], cont[:3]]))
    parts = pieces.forward()
    pieces.set_bottom(0, x[3:])
    parts += pieces.forward()
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-5, atol=1e-6)


def test_gradient_with_an_exposed_state():
    x, zero = np.random.default_rng(3).standard_normal(X), np.zeros((1, 2, 3))
    inside = build(Case("inside", layer(), [x, CONT]))
    outside = build(Case("outside", layer(EXPOSED), [x, CONT, zero, zero], tops=3))
    for harness in (inside, outside):
        harness.forward()
        for i, blob in enumerate(harness.top):
            harness.set_top_diff(i, np.random.default_rng(i).standard_normal(blob.shape))
        harness.backward([True, *[False] * 3])
    np.testing.assert_allclose(outside.bottom[0].diff, inside.bottom[0].diff, rtol=1e-6)
    for ours, theirs in zip(outside.layer.blobs, inside.layer.blobs, strict=True):
        np.testing.assert_allclose(ours.diff, theirs.diff, rtol=1e-6)


def test_the_exposed_states_go_on_where_they_came_from():
    x = np.random.default_rng(3).standard_normal((6, 2, 5))
    zero = np.zeros(STATE)
    whole = build(Case("whole", layer(EXPOSED), [x, np.ones((6, 2)), zero, zero], tops=3)).forward()
    first = build(Case("part", layer(EXPOSED), [x[:3], np.ones((3, 2)), zero, zero], tops=3)).forward()
    second = build(Case("part", layer(EXPOSED), [x[3:], np.ones((3, 2)), *first[1:]], tops=3)).forward()
    np.testing.assert_allclose(second[0], whole[0][3:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second[1:], whole[1:], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(second[1][0], second[0][-1])


def test_names_both_states(refusal):
    assert refusal(layer(EXPOSED), [X, CONT, STATE], tops=3) == (
        "has 3 bottoms; with expose_hidden: true it takes the input, the sequence indicators, "
        "an input without time if wanted, h_0 and c_0: 4 or 5"
    )
    assert refusal(layer(EXPOSED), [X, CONT, STATE, STATE], tops=2) == (
        "has 2 tops; with expose_hidden: true it gives the output and h_T and c_T: 3"
    )
