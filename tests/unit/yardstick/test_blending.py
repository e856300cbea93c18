"""Fusing: the weights tell who is right, the trees what no sum can say, and nothing is lost by either."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.yardstick.blending import Blend, blend, levelled, logit_weights, worths
from benchmarks.yardstick.pooled import Pooled, joined, places, pool
from benchmarks.yardstick.ranking import best_lists, figures
from benchmarks.yardstick.settings import params_of
from benchmarks.yardstick.split import read_split
from nextpick.models.candidates import KINDS
from tests.unit.yardstick.planted import ring

GROUPS, SIZE = 300, 30


def worth(values: np.ndarray, pooled: Pooled, k: int) -> float:
    return float(worths(values, pooled, k).mean())


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


def test_the_weights_are_of_those_who_are_right(two_halves: Pooled) -> None:
    weights = logit_weights(two_halves)
    alone = [worth(levelled(two_halves.scores)[:, i], two_halves, 4) for i in range(3)]
    assert worth(levelled(two_halves.scores) @ weights, two_halves, 4) > 0.8 > 1.3 * max(alone)
    assert weights[2] < 0.1 * weights[:2].min()


def test_a_choice_at_known_odds_gives_back_its_weights() -> None:
    draw = np.random.default_rng(4)
    scores = draw.normal(size=(GROUPS * SIZE, 2))
    odds = levelled(scores.astype(np.float32)) @ np.array([2.0, 0.5]) + draw.gumbel(size=GROUPS * SIZE)
    weights = logit_weights(world(scores, places(odds, np.repeat(np.arange(GROUPS), SIZE)) < 1))
    np.testing.assert_allclose(weights, [2.0, 0.5], atol=0.25)


def test_what_speaks_against_itself_has_no_weight(two_halves: Pooled) -> None:
    assert logit_weights(replace(two_halves, scores=-two_halves.scores)).max() < 0.1


def test_trees_say_what_no_sum_can() -> None:
    draw = np.random.default_rng(2)
    scores = draw.uniform(-1, 1, size=(GROUPS * SIZE, 2))
    middle = world(scores, places(-np.abs(scores[:, 0]), np.repeat(np.arange(GROUPS), SIZE)) < 4)
    mixed = blend(middle, 4, 1, lambda _: None)
    assert mixed.trees
    assert worth(mixed.scores(middle), middle, 4) > 2 * worth(Blend(mixed.weights).scores(middle), middle, 4)


def test_trees_of_noise_are_not_kept() -> None:
    draw = np.random.default_rng(0)
    noise = draw.normal(size=(GROUPS * SIZE, 2))
    labels = draw.random(GROUPS * SIZE) < 4 / SIZE
    assert blend(world(noise, labels), 4, 1, lambda _: None).trees == ()


@pytest.mark.parametrize("found", [0, 1, 4])
def test_where_a_fold_finds_nobody_to_stop_on_the_sum_stands(two_halves: Pooled, found: int) -> None:
    few = replace(two_halves, labels=two_halves.labels & (two_halves.groups < found))
    mixed = blend(few, 4, 1, lambda _: None)
    assert mixed.trees == ()
    np.testing.assert_array_equal(mixed.scores(few), levelled(few.scores) @ mixed.weights)


def test_the_trees_move_nothing_but_the_best_hundred() -> None:
    draw = np.random.default_rng(6)
    scores = draw.uniform(-1, 1, size=(10 * 150, 1)).astype(np.float32)
    groups = np.repeat(np.arange(10), 150)
    wide = replace(
        world(np.zeros((GROUPS * SIZE, 1)), np.zeros(GROUPS * SIZE, bool)),
        users=np.arange(10),
        indptr=np.arange(0, 1501, 150),
        items=np.tile(np.arange(150, dtype=np.int32), 10),
        scores=scores,
        labels=places(-np.abs(scores[:, 0] - 0.5), groups) < 4,
        relevant=np.full(10, 4),
        features=np.ones((1500, 3), np.float32),
    )
    learnt = blend(joined([replace(wide, users=np.arange(10) + 10 * part) for part in range(20)]), 4, 1, lambda _: None)
    assert learnt.trees
    before, after = places(Blend(learnt.weights).scores(wide), groups), places(learnt.scores(wide), groups)
    assert ((before < 100) == (after < 100)).all()
    np.testing.assert_array_equal(before[before >= 100], after[before >= 100])
    assert (before != after).any()


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
