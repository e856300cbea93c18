"""What lists are made of: coverage, popularity, novelty, diversity, churn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from nextpick.evaluation import lists as module
from nextpick.evaluation.lists import churn, coverage, diversity, novelty, popularity_share

NONE = np.full((2, 3), -1)
N = 8
some = st.lists(
    st.permutations(range(N)).flatmap(lambda order: st.integers(0, 5).map(lambda n: (order[:n] + [-1] * 5)[:5])),
    min_size=1,
    max_size=6,
).map(np.array)


def test_worked_examples() -> None:
    lists = np.array([[0, 1], [1, -1]])
    assert coverage(lists, 4) == 0.5
    assert popularity_share(lists, np.array([10, 2, 1, 1])) == pytest.approx(1 / 3)  # the head is item 0
    assert novelty(lists, np.array([4, 2, 1, 0]), 8) == pytest.approx([(1 + 2) / 2, 2])
    assert churn(np.array([[0, 1], [2, 3]]), np.array([[1, 0], [3, 4]])) == pytest.approx([0, 0.5])


def test_an_item_nobody_took_is_as_new_as_one_that_one_user_took() -> None:
    assert novelty(np.array([[3]]), np.array([4, 2, 1, 0]), 8) == novelty(np.array([[2]]), np.array([4, 2, 1, 0]), 8)


def test_the_head_is_the_fewest_items_with_a_fifth_of_the_interactions() -> None:
    flat = np.full(10, 7)  # two of ten
    assert popularity_share(np.arange(10)[None, :], flat) == pytest.approx(0.2)


def test_items_the_same_users_took_are_alike_and_those_nobody_shares_are_not() -> None:
    taken = csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]]))
    found = diversity(np.array([[0, 1, -1], [0, 2, -1], [0, 1, 2], [2, 3, -1], [0, -1, -1]]), taken)
    assert found[:4] == pytest.approx([0, 1, 2 / 3, 1])
    assert math.isnan(found[4])


@given(lists=some, seed=st.integers(0, 99))
def test_diversity_is_one_less_the_mean_cosine_of_all_pairs(lists: np.ndarray, seed: int) -> None:
    taken = np.random.default_rng(seed).integers(0, 2, (5, N))
    found = diversity(lists, csr_matrix(taken))
    for row, value in zip(lists, found, strict=True):
        own = row[row >= 0]
        pairs = [(a, b) for at, a in enumerate(own) for b in own[at + 1 :]]
        norm = np.linalg.norm(taken, axis=0)
        cosines = [taken[:, a] @ taken[:, b] / (norm[a] * norm[b]) if norm[a] * norm[b] else 0.0 for a, b in pairs]
        assert math.isnan(value) if not pairs else value == pytest.approx(1 - np.mean(cosines))


@given(lists=some, seed=st.integers(0, 99))
def test_the_order_within_a_list_changes_nothing(lists: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts, taken = rng.integers(0, 9, N), csr_matrix(rng.integers(0, 2, (5, N)))
    turned = rng.permuted(lists, axis=1)
    assert coverage(turned, N) == coverage(lists, N)
    assert popularity_share(turned, counts) == pytest.approx(popularity_share(lists, counts), nan_ok=True)
    assert novelty(turned, counts, 9) == pytest.approx(novelty(lists, counts, 9), nan_ok=True)
    assert diversity(turned, taken) == pytest.approx(diversity(lists, taken), nan_ok=True)
    assert churn(turned, lists) == pytest.approx(np.where((lists >= 0).any(axis=1), 0.0, np.nan), nan_ok=True)


def test_many_pairs_are_worked_in_parts_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    lists, taken = rng.permuted(np.tile(np.arange(N), (6, 1)), axis=1), csr_matrix(rng.integers(0, 2, (5, N)))
    whole = diversity(lists, taken)
    monkeypatch.setattr(module, "_PAIRS_AT_ONCE", 3)
    assert diversity(lists, taken).tolist() == whole.tolist()


def test_empty_lists_have_nothing_to_say() -> None:
    counts = np.ones(4, int)
    assert coverage(NONE, 4) == 0
    assert math.isnan(coverage(np.empty((0, 3), int), 0))
    assert math.isnan(popularity_share(NONE, counts))
    for found in (novelty(NONE, counts, 3), churn(NONE, NONE), diversity(NONE, csr_matrix((3, 4)))):
        assert np.isnan(found).all()
