"""What became of answers, by numbers worked out by hand."""

from datetime import UTC, datetime, timedelta
from math import log2

import numpy as np
import pytest

from nextpick.drift.outcome import ATTRIBUTION, by_release, online, ripe, taken
from nextpick.evaluation.metrics import hit_rate_at_k, ndcg_at_k
from nextpick.store.outcomes import Followed

NIGHT = datetime(2025, 11, 13, 5, tzinfo=UTC)


def followed(release_id: int, places: list[int], relevant: int, answers: int) -> Followed:
    return Followed(release_id, np.array(places, np.int32), relevant, answers)


SOME = (
    followed(1, [], 0, 90),  # the user took nothing
    followed(1, [], 2, 4),  # nothing of what was shown
    followed(1, [0], 1, 5),
    followed(2, [1, 3], 3, 2),
    followed(2, [12], 1, 1),  # shown, but below the first ten
)


def test_an_answer_counts_as_taken_from_once_however_much_was_taken() -> None:
    assert taken(SOME) == (8, 102)
    assert by_release(SOME) == {1: (5, 99), 2: (3, 3)}


def test_online_ndcg_is_that_of_the_evaluation_over_all_that_was_taken() -> None:
    second_and_fourth = (1 / log2(3) + 1 / log2(5)) / (1 + 1 / log2(3) + 1 / log2(4))
    found = online(SOME, 10, ndcg_at_k)
    assert found.tolist() == pytest.approx([0.0] * 4 + [1.0] * 5 + [second_and_fourth] * 2 + [0.0])


def test_only_the_first_k_places_count_and_the_ideal_has_no_more() -> None:
    assert online([followed(1, [0, 1, 2], 7, 1)], 2, ndcg_at_k).tolist() == [1.0]
    assert online([followed(1, [2], 1, 3)], 2, hit_rate_at_k).tolist() == [0.0] * 3


def test_nothing_answered_is_nothing_measured() -> None:
    assert taken([]) == (0, 0)
    assert by_release([]) == {}
    assert online([], 10, ndcg_at_k).shape == (0,)
    assert online(SOME[:1], 10, ndcg_at_k).shape == (0,)


def test_answers_of_the_last_day_have_not_had_their_time() -> None:
    week = NIGHT - timedelta(days=7), NIGHT
    assert ripe(week) == (week[0] - ATTRIBUTION, NIGHT - ATTRIBUTION)
