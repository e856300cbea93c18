"""Metrics: worked examples, and what holds for every list."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextpick.evaluation.metrics import auc, hit_rate_at_k, map_at_k, mrr_at_k, ndcg_at_k, precision_at_k, recall_at_k

ALL = (recall_at_k, precision_at_k, hit_rate_at_k, ndcg_at_k, map_at_k, mrr_at_k)
HITS, RELEVANT = np.array([[False, True, False, True]]), np.array([3])  # places 2 and 4 hit; a third item is missed


def test_worked_examples() -> None:
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    expected = {
        recall_at_k: 2 / 3,
        precision_at_k: 2 / 4,
        hit_rate_at_k: 1,
        ndcg_at_k: (1 / math.log2(3) + 1 / math.log2(5)) / ideal,
        map_at_k: (1 / 2 + 2 / 4) / 3,
        mrr_at_k: 1 / 2,
    }
    for metric, value in expected.items():
        assert metric(HITS, RELEVANT, 4) == pytest.approx([value]), metric.__name__
        assert metric(HITS, RELEVANT, 1) == [0], metric.__name__


def test_users_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(0)
    hits, relevant = rng.random((40, 12)) < 0.3, rng.integers(12, 30, 40)
    for metric in ALL:
        alone = [metric(hits[u : u + 1], relevant[u : u + 1], 10)[0] for u in range(40)]
        assert metric(hits, relevant, 10).tolist() == alone


def test_recall_is_over_all_relevant_and_the_ideal_over_k_at_most() -> None:
    full, relevant = np.ones((1, 10), bool), np.array([100])
    assert recall_at_k(full, relevant, 10) == [0.1]
    for metric in (precision_at_k, ndcg_at_k, map_at_k, mrr_at_k):
        assert metric(full, relevant, 10) == pytest.approx([1.0])


def test_a_short_list_counts_as_one_with_empty_places() -> None:
    short, padded = np.array([[True]]), np.array([[True, False, False, False, False]])
    for metric in ALL:
        assert metric(short, np.array([2]), 5) == metric(padded, np.array([2]), 5)
    assert precision_at_k(short, np.array([2]), 5) == [0.2]


places = st.lists(st.booleans(), min_size=1, max_size=15).map(lambda row: np.array([row]))
depth = st.integers(1, 20)
missed = st.integers(0, 8)


def relevant_of(hits: np.ndarray, missed: int) -> np.ndarray:
    return np.maximum(hits.sum(axis=1) + missed, 1)


@given(hits=places, k=depth, missed=missed)
def test_every_metric_is_between_none_and_all(hits: np.ndarray, k: int, missed: int) -> None:
    for metric in ALL:
        (value,) = metric(hits, relevant_of(hits, missed), k)
        assert 0 <= value <= 1 + 1e-12
        assert (value == 0) == (not hits[0, :k].any())


@given(hits=places, k=depth, missed=missed)
def test_what_is_beyond_k_changes_nothing(hits: np.ndarray, k: int, missed: int) -> None:
    relevant = relevant_of(hits, missed)
    for metric in ALL:
        assert metric(hits, relevant, k) == metric(hits[:, :k], relevant, k)


@given(hits=places, k=depth, missed=missed, at=st.integers(0, 13))
def test_moving_a_hit_up_never_lowers_a_metric(hits: np.ndarray, k: int, missed: int, at: int) -> None:
    if at + 1 >= hits.shape[1] or not hits[0, at + 1]:
        return
    better = hits.copy()
    better[0, [at, at + 1]] = better[0, [at + 1, at]]
    for metric in ALL:
        relevant = relevant_of(hits, missed)
        assert metric(better, relevant, k)[0] >= metric(hits, relevant, k)[0] - 1e-12, metric.__name__


@given(n=st.integers(1, 15), k=depth)
def test_a_list_of_the_relevant_alone_is_ideal(n: int, k: int) -> None:
    for metric in (ndcg_at_k, map_at_k, mrr_at_k, hit_rate_at_k):
        assert metric(np.ones((1, n), bool), np.array([n]), k) == pytest.approx([1.0]), metric.__name__


@given(hits=places, k=depth, missed=missed)
def test_recall_and_precision_count_the_same_hits(hits: np.ndarray, k: int, missed: int) -> None:
    relevant = relevant_of(hits, missed)
    assert recall_at_k(hits, relevant, k) * relevant == pytest.approx(precision_at_k(hits, relevant, k) * k)


scored = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), max_size=30)


@given(users=st.lists(scored, min_size=1, max_size=4))
def test_auc_is_the_share_of_pairs_in_the_right_order_ties_half(users: list[list[tuple[int, bool]]]) -> None:
    rows = [row for user in users for row in user]
    scores, labels = np.array([s for s, _ in rows], float), np.array([label for _, label in rows], int)
    found = auc(scores, labels, np.cumsum([0, *map(len, users)]))
    for mine, value in zip(users, found, strict=True):
        good, bad = [s for s, label in mine if label], [s for s, label in mine if not label]
        pairs = [1.0 if g > b else 0.5 if g == b else 0.0 for g in good for b in bad]
        assert math.isnan(value) if not pairs else value == pytest.approx(np.mean(pairs))


def test_a_user_without_relevant_items_has_no_metric() -> None:
    for metric in ALL:
        with pytest.raises(ValueError, match="without relevant items has no metric: leave them out and count them"):
            metric(HITS, np.array([0]), 3)


def test_k_counts_places() -> None:
    for metric in ALL:
        with pytest.raises(ValueError, match="at least 1, and is 0"):
            metric(HITS, RELEVANT, 0)


def test_nobody_has_no_metrics() -> None:
    for metric in ALL:
        assert len(metric(np.zeros((0, 10), bool), np.zeros(0, int), 10)) == 0
    assert len(auc(np.empty(0), np.empty(0), np.zeros(1, int))) == 0
