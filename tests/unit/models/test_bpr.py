"""BPR's descent: a step by its formula, what it draws, and when it does nothing."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from nextpick.models import bpr_engine
from nextpick.models.bpr_engine import bpr_factors
from nextpick.params import BprParams


def test_a_step_goes_up_the_gradient_of_the_log_sigmoid() -> None:
    """One user with the first of two items: the only step there is."""
    chosen = BprParams(factors=3, iterations=1, learning_rate=0.5, regularization=0.1)
    draw = np.random.default_rng(7)
    x, (y, z) = draw.normal(0, 0.1, 3), draw.normal(0, 0.1, (2, 3))
    wrong = 1 / (1 + np.exp(x @ (y - z)))
    users, items, biases = bpr_factors(csr_matrix(np.array([[1.0, 0.0]], np.float32)), chosen, 7)
    np.testing.assert_allclose(users, [x + 0.5 * (wrong * (y - z) - 0.1 * x)], rtol=1e-5)
    np.testing.assert_allclose(items, [y + 0.5 * (wrong * x - 0.1 * y), z - 0.5 * (wrong * x + 0.1 * z)], rtol=1e-5)
    np.testing.assert_allclose(biases, [0.5 * wrong, -0.5 * wrong], rtol=1e-5)


def test_an_item_the_user_has_not_is_drawn_each_as_often() -> None:
    state, own = np.array([3], np.uint64), np.array([1, 2, 5], np.int32)
    drawn = np.bincount([bpr_engine._not_owned(state, 7, own) for _ in range(4000)], minlength=7)
    assert drawn[own].tolist() == [0, 0, 0]
    assert drawn[[0, 3, 4, 6]] == pytest.approx(1000, rel=0.1)


def test_who_has_everything_teaches_nothing() -> None:
    users, items, biases = bpr_factors(csr_matrix(np.ones((1, 4), np.float32)), BprParams(factors=2, iterations=5), 1)
    draw = np.random.default_rng(1)
    assert (users == draw.normal(0, 0.1, (1, 2)).astype(np.float32)).all()
    assert (items == draw.normal(0, 0.1, (4, 2)).astype(np.float32)).all()
    assert not biases.any()


def test_the_strength_of_an_entry_is_not_told_to_the_descent() -> None:
    """All entries are drawn alike; unsorted rows are no other rows."""
    dense = np.array([[1, 0, 2, 0], [0, 3, 0, 0.5]], np.float32)
    plain, chosen = csr_matrix(dense), BprParams(factors=2, iterations=3)
    turned = csr_matrix((np.ones(4, np.float32), plain.indices[[1, 0, 3, 2]], plain.indptr), shape=plain.shape)
    for one, other in zip(bpr_factors(plain, chosen, 5), bpr_factors(turned, chosen, 5), strict=True):
        assert one.tobytes() == other.tobytes()
