"""Fusing: the search finds who is right, the trees what no sum can say, and nothing is lost by either."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.yardstick.blending import Blend, blend, scaled, search, worth
from benchmarks.yardstick.pooled import Pooled, joined, places, pool
from benchmarks.yardstick.ranking import best_lists, figures
from benchmarks.yardstick.settings import params_of
from benchmarks.yardstick.split import read_split
from nextpick.models.candidates import KINDS
from tests.unit.yardstick.planted import ring

GROUPS, SIZE = 300, 30


def world(scores: np.ndarray, labels: np.ndarray) -> Pooled:
    sizes = np.full(GROUPS, SIZE)
    return Pooled(
        users=np.arange(GROUPS),
        indptr=np.concatenate([[0], np.cumsum(sizes)]),
        items=np.tile(np.arange(SIZE, dtype=np.int32), GROUPS),
        scores=scores.astype(np.float32),
        labels=labels,
        relevant=np.maximum(np.bincount(np.repeat(np.arange(GROUPS), SIZE), labels, GROUPS), 1).astype(np.int64),
        features=np.ones((GROUPS * SIZE, 3), np.float32),
    )


@pytest.fixture(scope="module")
def two_halves() -> Pooled:
    """Relevant is what has the highest sum of the first two members; the third is noise of a greater scale."""
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(GROUPS * SIZE, 3))
    truth = places(scores[:, 0] + scores[:, 1], np.repeat(np.arange(GROUPS), SIZE)) < 4
    return world(scores * [1, 10, 1000], truth)


def test_the_search_finds_the_sum_that_is_right(two_halves: Pooled) -> None:
    weights = search(two_halves, 4, np.random.default_rng(1), lambda _: None)
    alone = [worth(scaled(two_halves.scores)[:, i], two_halves, 4) for i in range(3)]
    assert worth(scaled(two_halves.scores) @ weights, two_halves, 4) > 0.95 > 1.5 * max(alone)
    assert weights[2] < 0.1 * weights[:2].min()


def test_trees_say_what_no_sum_can(two_halves: Pooled) -> None:
    draw = np.random.default_rng(2)
    scores = draw.uniform(-1, 1, size=(GROUPS * SIZE, 2))
    middle = world(scores, places(-np.abs(scores[:, 0]), np.repeat(np.arange(GROUPS), SIZE)) < 4)
    mixed = blend(middle, 4, 1, lambda _: None)
    assert mixed.trees is not None
    assert worth(mixed.scores(middle), middle, 4) > 2 * worth(Blend(mixed.weights, None).scores(middle), middle, 4)


def test_worth_is_the_mean_of_recall_and_ndcg(tmp_path: Path) -> None:
    split = read_split(*ring(tmp_path))
    fitted = KINDS["item_knn"].fit(split.train, params_of({}, split.timing))
    pooled = pool({"it": fitted}, split, split.users)
    lists = best_lists(lambda rows: fitted.scores(split.train, rows), split, split.users, 5)
    means = figures(lists, split.test, split.users, 5)
    expected = (means["recall@5"] + means["ndcg@5"]) / 2
    assert worth(pooled.scores[:, 0], pooled, 5) == pytest.approx(expected)


def test_pools_of_two_splits_are_joined_group_by_group(two_halves: Pooled) -> None:
    both = joined([two_halves, two_halves])
    assert len(both.relevant) == 2 * GROUPS
    assert both.groups[-1] == 2 * GROUPS - 1
    np.testing.assert_array_equal(both.scores[len(two_halves.scores) :], two_halves.scores)
