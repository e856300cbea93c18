"""Lists as served, by numbers worked out by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextpick.drift import lists


@dataclass(frozen=True)
class Shown:
    users: np.ndarray
    starts: np.ndarray
    item_rows: np.ndarray
    item_ids: Sequence[str]


def shown(*answers: tuple[int, str]) -> Shown:
    """Each answer is a user and the letters of its items."""
    ids = sorted({item for _, items in answers for item in items})
    return Shown(
        users=np.array([user for user, _ in answers], np.int32),
        starts=np.cumsum([0, *(len(items) for _, items in answers)]).astype(np.int64),
        item_rows=np.array([ids.index(item) for _, items in answers for item in items], np.int32),
        item_ids=ids,
    )


THREE = shown((0, "ab"), (0, "ac"), (-1, "ad"))


def test_coverage_of_all_answers_is_what_they_show_together() -> None:
    assert lists.coverage(THREE, 3, 10) == pytest.approx(0.4)


def test_coverage_of_fewer_is_the_mean_over_all_ways_to_draw_them() -> None:
    assert lists.coverage(THREE, 1, 10) == pytest.approx(0.2)  # each shows two
    assert lists.coverage(THREE, 2, 10) == pytest.approx(0.3)  # a, and the two others' own


@given(
    st.lists(st.text("abcdefgh", max_size=4).map(lambda items: "".join(sorted(set(items)))), min_size=1, max_size=7),
    st.data(),
)
def test_coverage_agrees_with_drawing_them_all(answers: list[str], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(answers)))
    draws = [len(set("".join(drawn))) / 8 for drawn in combinations(answers, n)]
    assert lists.coverage(shown(*((0, items) for items in answers)), n, 8) == pytest.approx(np.mean(draws), abs=1e-9)


def test_weeks_are_compared_at_as_many_answers_as_each_of_those_with_enough_has() -> None:
    assert lists.alike([500, 450, 80, 700], 100) == 450
    assert lists.alike([90, 450, 700], 100) == 450
    assert lists.alike([90], 100) == 0


def test_the_head_is_a_hundredth_of_the_items_and_twenty_at_least() -> None:
    popularity = {f"item{n:04}": 9000 - n // 2 for n in range(6000)}
    assert lists.head(popularity, 500) == {f"item{n:04}" for n in range(20)}
    assert lists.head(popularity, 2500) == {f"item{n:04}" for n in range(25)}  # of equals the lower id
    assert lists.head({"b": 1, "a": 3}, 5000) == {"a", "b"}


def test_popularity_share_is_of_places() -> None:
    assert lists.popularity_share(THREE, {"a", "d", "never shown"}) == pytest.approx(4 / 6)
    assert lists.popularity_share(THREE, frozenset()) == 0.0
    assert lists.popularity_share(shown((0, "")), {"a"}) is None


def test_churn_is_what_the_users_answer_before_did_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MIN_PAIRS", 3)
    answers = shown((0, "abcd"), (0, "abxy"), (0, "yxba"), (1, "yx"), (1, "z"), (-1, "q"), (-1, "r"))
    assert lists.churn(answers) == pytest.approx((2 / 4 + 0 + 1) / 3)


def test_an_empty_answer_has_no_share_and_is_no_list_to_have_it_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MIN_PAIRS", 1)
    assert lists.churn(shown((0, "ab"), (0, ""), (0, "ab"))) == 1.0
    assert lists.churn(shown((0, "ab"), (0, ""))) is None


def test_few_pairs_say_nothing_of_churn() -> None:
    pairs = [(user, items) for user in range(50) for items in ("ab", "bc")]
    assert lists.churn(shown(*pairs)) == pytest.approx(0.5)
    assert lists.churn(shown(*pairs[2:])) is None
    assert lists.churn(shown()) is None
