"""What was answered becomes columns: scores and features where the ranker ran, and who filled each slot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from nextpick.drift.served import served_columns
from nextpick.drift.windows import windows

END = datetime(2025, 11, 12, 18, tzinfo=UTC)
WINDOWS = windows(END, 7, 4)
NAMES = {1: ("age", "price")}
NAN = float("nan")


@dataclass(frozen=True)
class Answer:
    answered_at: datetime
    release_id: int
    scores: np.ndarray
    sources: list[str]
    features: np.ndarray | None


def answer(days: float, release_id: int = 1) -> Answer:
    """Two items, the second of them filled in without the ranker."""
    features = np.array([days, 3.0, NAN, NAN], np.float32)
    scores = np.array([0.5, NAN], np.float32)
    return Answer(END - timedelta(days=days), release_id, scores, ["reranked", "popular"], features)


def test_features_and_scores_are_those_the_ranker_read_and_gave() -> None:
    found = {column.name: column for column in served_columns([answer(2), answer(1), answer(9)], NAMES, WINDOWS)}
    assert set(found) == {"served_age", "served_price", "served_score", "served_source"}
    assert found["served_age"].current.tolist() == [2, 1]  # as they were answered
    assert found["served_age"].weeks[0].tolist() == [9]
    assert found["served_score"].current.tolist() == [0.5, 0.5]
    assert found["served_source"].current.tolist() == ["reranked", "popular"] * 2


def test_releases_with_other_features_are_read_by_the_names_of_each() -> None:
    names = {1: ("age", "price"), 2: ("price", "rank")}
    found = {one.name: one for one in served_columns([answer(2), answer(1, release_id=2)], names, WINDOWS)}
    assert found["served_age"].current.tolist() == [2]
    assert found["served_price"].current.tolist() == [3, 1]
    assert found["served_rank"].current.tolist() == [3]


def test_a_release_that_does_not_name_its_features_has_scores_alone() -> None:
    found = {column.name for column in served_columns([answer(1, release_id=2)], NAMES, WINDOWS)}
    assert found == {"served_score", "served_source"}


def test_an_answer_no_ranker_touched_has_only_its_sources() -> None:
    plain = Answer(END - timedelta(days=1), 1, np.array([NAN], np.float32), ["popular"], None)
    found = {column.name: column.current.tolist() for column in served_columns([plain], NAMES, WINDOWS)}
    assert found == {"served_score": [], "served_source": ["popular"]}


def test_no_answers_make_no_columns() -> None:
    assert served_columns([], NAMES, WINDOWS) == []
