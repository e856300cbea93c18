"""Metrics: worked examples, and what holds for every list."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextpick.evaluation.metrics import auc, coverage, hit_rate_at_k, ndcg_at_k, recall_at_k

RANKED = np.array([5, 3, 9, 1])


def test_worked_examples() -> None:
    relevant = np.array([3, 1, 7])
    assert recall_at_k(RANKED, relevant, 4) == pytest.approx(2 / 3)
    assert hit_rate_at_k(RANKED, relevant, 1) == 0
    assert hit_rate_at_k(RANKED, relevant, 2) == 1
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    assert ndcg_at_k(RANKED, relevant, 4) == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert auc(np.array([4.0, 3.0, 2.0, 1.0]), np.array([0, 1, 1, 0])) == pytest.approx(0.5)
    assert coverage(np.array([[0, 1], [1, -1]]), 4) == 0.5


def test_recall_is_over_all_relevant_and_the_ndcg_ideal_over_k_at_most() -> None:
    relevant = np.arange(100)
    full = np.arange(10)
    assert recall_at_k(full, relevant, 10) == 0.1
    assert ndcg_at_k(full, relevant, 10) == 1.0


lists = st.lists(st.integers(0, 30), unique=True, max_size=15).map(lambda rows: np.array(rows, int))
some = st.lists(st.integers(0, 30), unique=True, min_size=1, max_size=15).map(lambda rows: np.array(rows, int))


@given(ranked=lists, relevant=some, k=st.integers(1, 20))
def test_every_metric_is_between_none_and_all(ranked: np.ndarray, relevant: np.ndarray, k: int) -> None:
    for metric in (recall_at_k, hit_rate_at_k, ndcg_at_k):
        value = metric(ranked, relevant, k)
        assert 0 <= value <= 1
        assert (value == 0) == (not set(ranked[:k].tolist()) & set(relevant.tolist()))


@given(ranked=lists, relevant=some, k=st.integers(1, 20))
def test_what_is_beyond_k_changes_nothing(ranked: np.ndarray, relevant: np.ndarray, k: int) -> None:
    for metric in (recall_at_k, hit_rate_at_k, ndcg_at_k):
        assert metric(ranked, relevant, k) == metric(ranked[:k], relevant, k)


@given(relevant=some, k=st.integers(1, 20), extra=lists)
def test_a_list_of_the_relevant_alone_is_ideal(relevant: np.ndarray, k: int, extra: np.ndarray) -> None:
    rest = extra[~np.isin(extra, relevant)]
    assert ndcg_at_k(np.concatenate([relevant, rest]), relevant, k) == pytest.approx(1)


@given(ranked=some, relevant=some, k=st.integers(2, 20), at=st.integers(0, 13))
def test_moving_a_hit_up_never_lowers_ndcg(ranked: np.ndarray, relevant: np.ndarray, k: int, at: int) -> None:
    if at + 1 >= len(ranked) or ranked[at + 1] not in relevant:
        return
    better = ranked.copy()
    better[[at, at + 1]] = better[[at + 1, at]]
    assert ndcg_at_k(better, relevant, k) >= ndcg_at_k(ranked, relevant, k) - 1e-12


scored = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=30)


@given(rows=scored)
def test_auc_is_the_share_of_pairs_in_the_right_order_ties_half(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([s for s, _ in rows], float), np.array([label for _, label in rows], int)
    pairs = [
        1.0 if good > bad else 0.5 if good == bad else 0.0
        for good in scores[labels == 1]
        for bad in scores[labels == 0]
    ]
    value = auc(scores, labels)
    assert math.isnan(value) if not pairs else value == pytest.approx(sum(pairs) / len(pairs))


@given(rows=scored)
def test_auc_of_the_opposite_order_is_the_rest(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([s for s, _ in rows], float), np.array([label for _, label in rows], int)
    if labels.min() != labels.max():
        assert auc(-scores, labels) == pytest.approx(1 - auc(scores, labels))


def test_a_user_without_relevant_items_has_no_metric() -> None:
    for metric in (recall_at_k, hit_rate_at_k, ndcg_at_k):
        with pytest.raises(ValueError, match="without relevant items has no metric: leave them out and count them"):
            metric(RANKED, np.array([], int), 3)


def test_k_counts_places() -> None:
    with pytest.raises(ValueError, match="at least 1, and is 0"):
        recall_at_k(RANKED, np.array([1]), 0)


def test_nothing_covers_nothing() -> None:
    assert coverage(np.full((2, 3), -1), 10) == 0
    assert math.isnan(coverage(np.empty((0, 3), int), 0))
