"""What the ranker learns from: a holdout's own candidates, grouped by user."""

from dataclasses import replace

import numpy as np
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows
from nextpick.features.holdout import Holdout, holdout
from nextpick.features.pair import feature_names
from nextpick.features.shown import NOT_SHOWN, Shown
from nextpick.models import candidates
from nextpick.models.examples import Examples, examples, labels, together
from nextpick.models.examples import candidates as candidates_of
from nextpick.params import Params
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, catalogue, frame, params

START = NOW - 10 * US_PER_DAY


@pytest.fixture(scope="module")
def held() -> Holdout:
    rng = np.random.default_rng(3)
    rows = [(f"u{rng.integers(15):02}", f"i{rng.integers(25):02}", float(rng.integers(0, 60))) for _ in range(600)]
    rows += [("new", "i01", 1.0), ("idle", "i01", 30.0)]
    snapshot = Snapshot.of(
        frame(rows), catalogue([f"i{n:02}" for n in range(25)]), Windows((START,), START, NOW), "md5"
    )
    return holdout(snapshot, params(), START, NOW)


def made(held: Holdout, negatives: int = 1000, seed: int = 42) -> tuple[Examples, Params]:
    chosen = params(als={"factors": 4}, ranker={"negatives_per_positive": negatives})
    chosen = chosen.model_copy(update={"pool": {"als": 10, "popular": 10}, "seed": seed})
    return examples(candidates_of(candidates.fit(held.histories, chosen), held, chosen), held, chosen), chosen


def test_a_label_says_whether_the_candidate_was_relevant(held: Holdout) -> None:
    learnt, chosen = made(held)
    names = feature_names(chosen.generators)
    assert learnt.features.shape == (len(learnt.labels), len(names))
    assert set(learnt.labels.tolist()) == {0, 1}
    assert learnt.group_sizes.sum() == len(learnt.labels)


def test_only_users_with_a_history_and_a_relevant_candidate_are_learnt_from(held: Holdout) -> None:
    learnt, _ = made(held)
    assert len(learnt.group_sizes) <= held.warm.sum() < len(held.users)
    ends = np.cumsum(learnt.group_sizes)
    assert all(learnt.labels[end - size : end].any() for size, end in zip(learnt.group_sizes, ends, strict=True))


@pytest.mark.parametrize("negatives", [1, 2])
def test_negatives_are_so_many_a_positive_at_most_and_positives_all_kept(held: Holdout, negatives: int) -> None:
    whole, _ = made(held)
    part, _ = made(held, negatives)
    assert part.labels.sum() == whole.labels.sum()
    for size, end in zip(part.group_sizes, np.cumsum(part.group_sizes), strict=True):
        mine = part.labels[end - size : end]
        assert (mine == 0).sum() <= negatives * mine.sum()


def test_the_draw_goes_by_the_seed_and_stays_within_the_pool(held: Holdout) -> None:
    first, second, third = (made(held, 1, seed)[0] for seed in (1, 1, 2))
    assert first.features.tobytes() == second.features.tobytes()
    assert first.features.tobytes() != third.features.tobytes()
    own = {row.tobytes() for row in made(held, 1000, 1)[0].features}
    assert {row.tobytes() for row in first.features} <= own
    assert len(first.features) < len(own)


def test_holdouts_are_joined_in_order(held: Holdout) -> None:
    one, _ = made(held, 1)
    two, _ = made(held, 2)
    both = together([one, two])
    assert both.group_sizes.tolist() == [*one.group_sizes, *two.group_sizes]
    np.testing.assert_array_equal(both.labels, np.concatenate([one.labels, two.labels]))
    assert both.features.shape[0] == len(both.labels)


def test_labels_find_relevant_items_of_the_right_user(held: Holdout) -> None:
    chosen = params().model_copy(update={"pool": {"popular": 25}})
    pool = candidates_of(candidates.fit(held.histories, chosen), held, chosen)
    relevant = {(u, i) for u, i in zip(held.relevant.user_rows, held.relevant.item_rows, strict=True)}
    pairs = zip(pool.user_rows, pool.item_rows, strict=True)
    assert labels(pool, held).tolist() == [int(pair in relevant) for pair in pairs]


def test_an_example_bears_the_rank_it_was_shown_at_in_the_time_of_its_label(held: Holdout) -> None:
    learnt, chosen = made(held)
    assert learnt.positions is None  # nothing is known of what was shown
    pool = candidates_of(candidates.fit(held.histories, chosen), held, chosen)
    key = int(pool.user_rows[0]) * held.histories.n_items + int(pool.item_rows[0])
    shown = Shown(np.array([key]), np.array([7], np.int16), held.histories.n_items)
    ranks = made(replace(held, shown=shown))[0].positions
    assert ranks is not None
    assert ranks.tolist() == [7] + [NOT_SHOWN] * (len(learnt.labels) - 1)
