"""Eltwise: its cases and what it refuses."""

import numpy as np
import pytest

from cafpy.backend import Backend, CpuBackend
from cafpy.testing.case import Case, build


def layer(options: str = "") -> str:
    return f'type: "Eltwise" eltwise_param {{ {options} }}'


TWO, THREE = [(2, 3, 4)] * 2, [(2, 3, 4)] * 3

CASES = [
    Case("sum", layer(), TWO),
    Case("sum of three", layer("operation: SUM"), THREE),
    Case("weighted sum", layer("coeff: 1 coeff: -2"), TWO),
    Case("weighted sum of three", layer("coeff: 0.5 coeff: 1 coeff: -1"), THREE),
    Case("product", layer("operation: PROD"), TWO),
    Case("product of three", layer("operation: PROD"), THREE),
    Case("product, stable_prod_grad false", layer("operation: PROD stable_prod_grad: false"), THREE),
    Case("maximum", layer("operation: MAX"), TWO),
    Case("maximum of three", layer("operation: MAX"), THREE),
]


@pytest.mark.parametrize("backend", [Backend, CpuBackend])
def test_who_gets_the_gradient_of_equal_values(backend):
    bottoms = [np.array([1, 2, 0, 2]), np.array([1, 0, 2, 2]), np.array([1, 2, 2, 3])]
    harness = build(Case("ties", layer("operation: MAX"), bottoms), backend())
    np.testing.assert_array_equal(harness.forward()[0], [1, 2, 2, 3])
    harness.top[0].diff[...] = 1
    harness.backward([True, True, True])
    np.testing.assert_array_equal(harness.diff(harness.bottom), [[0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]])


def test_gradient_of_a_product_with_zeros():
    harness = build(Case("zeros", layer("operation: PROD stable_prod_grad: false"), [np.zeros(2), np.array([3, 0])]))
    harness.forward()
    harness.top[0].diff[...] = 1
    harness.backward([True, True])
    np.testing.assert_array_equal(harness.diff(harness.bottom), [[3, 0], [0, 0]])


@pytest.mark.parametrize(
    ("options", "bottoms", "text"),
    [
        (
            "",
            [(2, 3, 8, 8), (2,)],
            "bottom 'b1' has shape 2, but bottom 'b0' has 2×3×8×8; they must have the same shape",
        ),
        ("coeff: 1", TWO, "coeff is given 1 times for 2 bottoms; give it once for each or not at all"),
        (
            "operation: PROD coeff: 1 coeff: 2",
            TWO,
            "coeff: a PROD has no weights; remove them, or write `operation: SUM`",
        ),
    ],
)
def test_refuses(refusal, options, bottoms, text):
    assert refusal(layer(options), bottoms) == text
