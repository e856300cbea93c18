"""Each column is cut into the windows, and means the same in all of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.drift.columns import Column, Traffic, event_columns, fitting, volumes
from nextpick.drift.observed import Observed, observe
from nextpick.drift.windows import windows
from nextpick.params import DriftParams
from nextpick.schema import EVENT_COLUMNS

END = datetime(2025, 11, 12, 18, tzinfo=UTC)
WINDOWS = windows(END, 7, 4)
PRICES = {"tea": 3.0, "pot": 20.0, "gift": float("nan")}


def frame(rows: list[tuple[str, str, str, float, float]]) -> pd.DataFrame:
    """EVENT_COLUMNS of (user, item, kind, days before END, value)."""
    rows = sorted(rows, key=lambda row: -row[3])
    return pd.DataFrame(
        {
            "event_id": pd.Series([str(i) for i in range(len(rows))], dtype="str"),
            "user_id": pd.Series([row[0] for row in rows], dtype="str"),
            "item_id": pd.Series([row[1] for row in rows], dtype="str"),
            "kind": pd.Series([row[2] for row in rows], dtype="str"),
            "occurred_at": pd.Series([END - timedelta(days=row[3]) for row in rows], dtype="datetime64[us, UTC]"),
            "value": pd.Series([row[4] for row in rows], dtype="float64"),
        }
    )[list(EVENT_COLUMNS)]


def traffic(events: pd.DataFrame) -> Traffic:
    first = {
        by: events[events["kind"] == "buy"].groupby(by)["occurred_at"].min().astype("int64")
        for by in ("user_id", "item_id")
    }
    catalogue = pd.DataFrame({"item_id": list(PRICES), "price": list(PRICES.values())})
    return Traffic(events, frozenset({"buy"}), catalogue, first["user_id"], first["item_id"])


def columns(rows: list[tuple[str, str, str, float, float]]) -> dict[str, Column]:
    return {column.name: column for column in event_columns(traffic(frame(rows)), WINDOWS)}


def test_a_row_is_in_the_window_it_happened_in_and_the_windows_are_half_open() -> None:
    found = columns([("ann", "tea", "buy", days, 1.0) for days in (0, 1, 7, 7.5, 14, 35, 35.1)])["price_log"]
    assert [len(values) for values in (found.current, *found.weeks)] == [2, 2, 0, 0, 1]  # END itself is over the edge


def test_other_kinds_of_event_show_in_the_mix_of_kinds_alone() -> None:
    found = columns([("ann", "tea", "buy", 1, 1.0), ("ann", "tea", "view", 2, 1.0), ("ann", "tea", "view", 9, 1.0)])
    assert found["kind"].current.tolist() == ["view", "buy"]
    assert {name: len(column.current) for name, column in found.items() if name != "kind"} == dict.fromkeys(
        set(found) - {"kind"}, 1
    )
    nothing = volumes(traffic(frame([("ann", "tea", "view", 1, 1.0)])), WINDOWS)
    assert (nothing.current, nothing.weeks) == (0, (0, 0, 0, 0))


def test_an_item_without_a_price_or_without_a_place_in_the_catalogue_has_no_price() -> None:
    found = columns([("ann", item, "buy", 1, 1.0) for item in ("tea", "gift", "ghost")])["price_log"].current
    np.testing.assert_allclose(np.sort(found), [np.log(4), np.nan, np.nan])


def test_values_keep_their_sign() -> None:
    found = columns([("ann", "tea", "buy", 2, -9.0), ("ann", "tea", "buy", 1, 9.0)])["value_log"].current
    np.testing.assert_allclose(found, [-np.log(10), np.log(10)])


def observed(rows: list[tuple[str, str, str, float, float]], days: int = 7) -> Observed:
    return observe(traffic(frame(rows)), windows(END, days, 4))


def shares(rows: list[tuple[str, str, str, float, float]]) -> dict[str, tuple[tuple[int, int], ...]]:
    """Now, and in the week before."""
    return {rate.name: (rate.current, rate.weeks[0]) for rate in observed(rows).rates}


def test_users_and_items_are_new_in_the_window_of_their_first_interaction() -> None:
    found = shares([("ann", "tea", "buy", 10, 1.0), ("ann", "pot", "buy", 2, 1.0), ("ben", "tea", "buy", 1, 1.0)])
    assert found["new_user"] == ((1, 2), (1, 1))  # of users
    assert found["new_item"] == ((1, 2), (1, 1))  # of interactions


def test_items_that_the_catalogue_does_not_know_are_counted() -> None:
    found = shares([("ann", item, "buy", day, 1.0) for item in ("tea", "gift", "ghost") for day in (1, 2, 8)])
    assert found["unknown_items"] == ((2, 6), (1, 3))


def test_how_much_there_was_is_counted_on_other_nights_of_the_same_weeks_too() -> None:
    rows = [("ann", "tea", "buy", 7 * week + day + 0.5, 1.0) for week in range(6) for day in range(7) if day != 3]
    found = observed([*rows, ("ben", "tea", "buy", 0.4, 1.0)], days=1)
    assert (found.volume.current, found.volume.weeks) == (2, (1, 1, 1, 1))
    assert found.volume.other_nights == ((1,) * 4, (1,) * 4, (0,) * 4, (1,) * 4, (1,) * 4, (1,) * 4)
    (users,) = found.numbers
    assert (users.name, users.current, users.weeks) == ("active_users", 2, (1, 1, 1, 1))


def test_the_windows_are_of_as_few_days_as_bring_enough_rows() -> None:
    rows = [("ann", "tea", "buy", 7 * week + day + 0.5, 1.0) for week in range(6) for day in range(7) if day != 1]
    lengths = {}
    for enough in (1, 2, 6, 100):
        params = DriftParams(reference_weeks=4, enough_rows=enough, window_days=7)
        start, end = fitting(traffic(frame(rows)), END, params).current
        lengths[enough] = (end - start).days
    assert lengths == {1: 1, 2: 3, 6: 7, 100: 7}


def test_what_came_in_late_is_told_from_what_was_loaded() -> None:
    there = frame([("ann", "tea", "buy", days, 1.0) for days in (3, 2, 1)])
    there["received_at"] = there["occurred_at"] + pd.to_timedelta([3 * 86_400, 99, -5], unit="s")
    (found,) = (one for one in event_columns(traffic(there), WINDOWS) if one.name == "lateness_log")
    np.testing.assert_allclose(found.current, [np.nan, np.log(100), 0])
    assert "lateness_log" not in columns([("ann", "tea", "buy", 1, 1.0)])


def test_an_item_is_of_its_finest_category() -> None:
    there = traffic(frame([("ann", item, "buy", 1, 1.0) for item in ("tea", "pot", "gift", "ghost")]))
    there.catalogue["categories"] = [["drinks", "green"], ["things"], []]
    (found,) = (one for one in event_columns(there, WINDOWS) if one.name == "category")
    assert found.current.tolist() == ["green", "things", None, None]
    assert "category" not in columns([("ann", "tea", "buy", 1, 1.0)])  # no item has any


def test_activity_has_a_row_for_each_active_user() -> None:
    found = columns([("ann", "tea", "buy", days, 1.0) for days in (1, 2, 3)] + [("ben", "tea", "buy", 4, 1.0)])
    np.testing.assert_allclose(np.sort(found["user_activity_log"].current), np.log([1, 3]))


events = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(list(PRICES)), st.just("buy"), st.floats(0.01, 63), st.just(1.0)),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25)
@given(events)
def test_popularity_counts_the_28_days_before_the_rows_own_day(rows: list[tuple[str, str, str, float, float]]) -> None:
    found = columns(rows)["item_popularity_log"]
    for values, window in zip((found.current, *found.weeks), (WINDOWS.current, *WINDOWS.weeks), strict=True):
        np.testing.assert_allclose(values, list(popularities(frame(rows), window)), rtol=1e-9)


def popularities(there: pd.DataFrame, window: tuple[datetime, datetime]) -> Iterator[float]:
    """The column the slow way."""
    for row in there[there["occurred_at"].between(*window, inclusive="left")].itertuples():
        day = END - timedelta(days=1 + (END - timedelta(microseconds=1) - row.occurred_at).days)
        before = there[there["occurred_at"].between(day - timedelta(days=28), day, inclusive="left")]
        share = (before["item_id"] == row.item_id).mean() if len(before) else np.nan
        yield np.log1p(10_000 * share)


@pytest.mark.parametrize("rows", [[], [("ann", "tea", "view", 1.0, 1.0)]])
def test_no_interactions_make_empty_columns(rows: list[tuple[str, str, str, float, float]]) -> None:
    found = columns(rows)
    assert all(len(column.current) == 0 for name, column in found.items() if name != "kind")
    assert len(found["kind"].current) == len(rows)
