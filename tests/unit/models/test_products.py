"""Products that no way of cutting the work can change."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.models.products import Whole, products


@settings(max_examples=40, deadline=None)
@given(factors=st.sampled_from([1, 2, 3, 64, 65, 300]), seed=st.integers(0, 2**32 - 1), data=st.data())
def test_a_row_is_the_same_bits_wherever_and_with_whomever_it_stands(
    factors: int, seed: int, data: st.DataObject
) -> None:
    draw = np.random.default_rng(seed)
    left = (draw.normal(size=(40, factors)) * np.exp(3 * draw.normal(size=(40, 1)))).astype(np.float32)
    right = Whole.of((draw.normal(size=(57, factors)) * np.exp(3 * draw.normal(size=(57, 1)))).astype(np.float32))
    rows = data.draw(st.lists(st.integers(0, 39), min_size=1, max_size=80))
    together = products(Whole.of(left[rows]), right)
    for at, row in enumerate(rows):
        assert together[at].tobytes() == products(Whole.of(left[row : row + 1]), right)[0].tobytes()


def test_the_sums_are_exact() -> None:
    draw = np.random.default_rng(3)
    left, right = (Whole.of(draw.normal(size=(3, 300)).astype(np.float32)) for _ in range(2))
    found = products(left, right)
    for i in range(3):
        for j in range(3):
            pairs = zip(left.numbers[i].tolist(), right.numbers[j].tolist(), strict=True)
            exact = sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0))
            assert found[i, j] == np.float32(float(exact * Fraction(left.scales[i]) * Fraction(right.scales[j])))


@pytest.mark.parametrize("factors", [1, 64, 256, 1024])
def test_rounding_costs_less_than_a_millionth(factors: int) -> None:
    draw = np.random.default_rng(4)
    left, right = (draw.normal(size=(20, factors)).astype(np.float32) for _ in range(2))
    lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)
    exact = left.astype(np.float64) @ right.astype(np.float64).T
    assert (np.abs(products(Whole.of(left), Whole.of(right)) - exact) / lengths).max() < 1e-6


def test_a_vector_of_zeros_gives_zeros() -> None:
    assert (products(Whole.of(np.zeros((2, 5), np.float32)), Whole.of(np.ones((3, 5), np.float32))) == 0).all()
