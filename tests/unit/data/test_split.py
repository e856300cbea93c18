"""The windows: by time, half-open, and none reaches into the next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextpick.data.microseconds import microseconds
from nextpick.data.split import Windows, between, windows
from nextpick.errors import DataError
from nextpick.params import SplitParams
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, frame


def split(label_days: int = 10, label_windows: int = 1, test_days: int = 5) -> SplitParams:
    return SplitParams(label_days=label_days, label_windows=label_windows, test_days=test_days)


def daily(days: int) -> list[tuple[str, str, float]]:
    return [("ann", "a", float(day)) for day in range(days + 1)]


def test_the_cutoff_is_just_after_the_newest_and_the_windows_end_there() -> None:
    found = windows(frame(daily(60)), split())
    assert found == Windows((NOW + 1 - 15 * US_PER_DAY,), NOW + 1 - 5 * US_PER_DAY, NOW + 1)
    assert found.labels == ((found.labels_from[0], found.test_from),)


def test_label_windows_lie_one_before_the_other() -> None:
    found = windows(frame(daily(60)), split(label_windows=3))
    assert [end - start for start, end in found.labels] == [10 * US_PER_DAY] * 3
    assert [end for _, end in found.labels[:-1]] == [start for start, _ in found.labels[1:]]
    assert found.labels[-1][1] == found.test_from


def test_a_label_window_needs_its_own_length_of_history_before_it_but_for_the_newest() -> None:
    assert len(windows(frame(daily(45)), split(label_windows=9)).labels) == 3
    assert len(windows(frame(daily(16)), split(label_windows=9)).labels) == 1


@given(days=st.integers(20, 200), label_days=st.integers(1, 14), n=st.integers(1, 6), test_days=st.integers(1, 5))
def test_every_interaction_is_in_one_window_at_most_and_fitting_ends_where_labels_begin(
    days: int, label_days: int, n: int, test_days: int
) -> None:
    interactions = frame(daily(days))
    found = windows(interactions, split(label_days, n, test_days))
    at = microseconds(interactions["occurred_at"])
    parts = [between(interactions, *window) for window in (*found.labels, (found.test_from, found.cutoff))]
    ids = [id_ for part in parts for id_ in part["event_id"]]
    assert len(ids) == len(set(ids)) == (at >= found.labels_from[0]).sum()
    assert at[at < found.labels_from[0]].max() < microseconds(parts[0]["occurred_at"]).min()
    assert (at < found.cutoff).all()


def test_json_and_back_is_the_same() -> None:
    found = windows(frame(daily(60)), split(label_windows=2))
    assert Windows.from_json({**vars(found), "labels_from": list(found.labels_from)}) == found


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "holds no interactions"),
        (
            daily(14),
            "no interactions before the label window: they reach from 2025-09-25 to 2025-10-09, and split asks",
        ),
        ([("ann", "a", 0.0), ("ann", "a", 30.0)], "no interactions in the label window"),
    ],
)
def test_too_little_history_says_what_there_is_and_what_is_asked(rows: list[tuple[str, str, float]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        windows(frame(rows), split())


def test_between_is_half_open() -> None:
    interactions = frame([("ann", "a", 2.0), ("ann", "b", 1.0), ("ann", "c", 0.0)])
    assert between(interactions, NOW - 2 * US_PER_DAY, NOW)["item_id"].tolist() == ["a", "b"]
