"""Parameter."""

import numpy as np

from cafpy.testing.case import Case, build

CASES = [
    Case(
        "vector", 'type: "Parameter" parameter_param { shape { dim: 2 dim: 3 } }', params=[np.arange(6).reshape(2, 3)]
    ),
    Case("number", 'type: "Parameter" parameter_param { shape { } }', params=[np.array(3)]),
]


def test_top_follows_the_parameter():
    harness = build(CASES[0])
    harness.layer.blobs[0].data[...] = 7
    assert (harness.forward()[0] == 7).all()
