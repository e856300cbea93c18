"""Scores that are not written out for every item say what written ones say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.models import scored
from nextpick.models.dense import Dense
from nextpick.models.products import Whole, products
from nextpick.models.scored import Factored, ItemSide, Listed, Same, Scored
from nextpick.models.topn import Barred, Exact

USERS, ITEMS, FACTORS = 9, 300, 4


def barred(draw: np.random.Generator, share: float) -> Barred:
    off = draw.random((USERS, ITEMS)) < share
    return Barred(np.append(0, off.sum(axis=1).cumsum()), np.nonzero(off)[1].astype(np.int32))


def agree(one: Scored, dense: np.ndarray, n: int, off: Barred) -> None:
    expected = Dense(dense)
    for mine, right in zip(one.best(n, off), expected.best(n, off), strict=True):
        assert len(mine) == len(right)
    assert set(zip(*map(np.ndarray.tolist, one.best(n, off)), strict=True)) == set(
        zip(*map(np.ndarray.tolist, expected.best(n, off)), strict=True)
    )
    users, items = np.divmod(np.arange(USERS * ITEMS), ITEMS)
    assert one.of(users, items).tobytes() == expected.of(users, items).tobytes()


def factored(vectors: np.ndarray, items: np.ndarray) -> tuple[Factored, np.ndarray]:
    """And all its products, written out; the last user is unknown, as are items of NaN."""
    whole = Whole.of(np.nan_to_num(items))
    dense = products(Whole.of(vectors), whole)
    dense[:, np.isnan(items[:, 0])] = np.nan
    dense[-1] = np.nan
    return Factored(vectors, np.arange(USERS) < USERS - 1, ItemSide(Exact(items), whole)), dense


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.sampled_from([1, 20, 100, 400]), share=st.sampled_from([0.0, 0.3, 1.0]))
@pytest.mark.parametrize("kinds", [3, 40, 10**6])
def test_products_found_by_rounded_sums_are_the_exact_best(kinds: int, seed: int, n: int, share: float) -> None:
    """Few kinds of number make ties, more of them than are looked at beyond the n-th."""
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(USERS, FACTORS)).astype(np.float32)
    items = (draw.integers(-kinds, kinds + 1, (ITEMS, FACTORS)) / kinds).astype(np.float32)
    items[draw.random(ITEMS) < 0.1] = np.nan
    one, dense = factored(vectors, items)
    agree(one, dense, n, barred(draw, share))


def test_all_products_are_made_only_for_users_whose_best_rounding_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    vectors, items = (draw.normal(size=(size, FACTORS)).astype(np.float32) for size in (USERS, ITEMS))
    vectors[:, 0], items[:, 1:], vectors[2:5, 0] = 1, 0, 0  # these three give every item the same
    one, _ = factored(vectors, items)
    asked = []
    monkeypatch.setattr(
        scored, "products", lambda left, right: asked.append(len(left.numbers)) or products(left, right)
    )
    users, found = one.best(10, Barred.nothing(USERS))
    assert asked == [3]
    assert np.sort(found[users == 3]).tolist() == list(range(10))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.sampled_from([1, 20, 400]), share=st.sampled_from([0.0, 0.3, 1.0]))
def test_listed_scores_are_those_of_the_matrix_they_are_from(seed: int, n: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    dense = draw.choice(np.array([0.0, -0.0, 1.0, -1.5, 2.0, np.nan], np.float32), (USERS, ITEMS))
    there = ~np.isnan(dense)
    indptr = np.append(0, there.sum(axis=1).cumsum())
    listed = Listed(indptr, np.nonzero(there)[1].astype(np.int32), dense[there])
    agree(listed, dense, n, barred(draw, share))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.sampled_from([1, 20, 400]), share=st.sampled_from([0.0, 0.3, 1.0]))
def test_what_is_the_same_for_all_differs_by_what_is_barred(seed: int, n: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.choice(np.array([0.0, 1.0, 2.0, np.nan], np.float32), ITEMS)
    agree(Same(scores), np.tile(scores, (USERS, 1)), n, barred(draw, share))
