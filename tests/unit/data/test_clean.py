"""What a snapshot's events must be to count, and what becomes of the others."""

import numpy as np
import pandas as pd
import pytest

from nextpick.data.clean import clean, require_catalogue
from nextpick.errors import DataError
from tests.worlds import KINDS, catalogue, frame


def test_interactions_are_the_events_that_count_in_order_of_time() -> None:
    events = pd.concat([frame([("ann", "a", 1), ("ben", "b", 5)]), frame([("ann", "c", 3)], kind="return")])
    events["event_id"] = ["e1", "e2", "e3"]
    cleaned = clean(events, KINDS)
    assert cleaned.interactions["event_id"].tolist() == ["e2", "e1"]
    assert cleaned.interactions.index.tolist() == [0, 1]
    assert cleaned.dropped == {"kind does not count": 1}


def test_events_at_the_same_time_go_by_id_so_that_their_order_in_the_file_is_nothing() -> None:
    events = frame([("ann", "a", 1), ("ann", "b", 1), ("ann", "c", 1)])
    mixed = events.iloc[[2, 0, 1]]
    pd.testing.assert_frame_equal(clean(mixed, KINDS).interactions, clean(events, KINDS).interactions)


def test_every_dropped_event_is_counted_under_its_first_reason() -> None:
    events = frame([(f"u{n}", "a", 1) for n in range(7)])
    events.loc[1, "user_id"] = None
    events.loc[2, "user_id"] = ""
    events.loc[3, "item_id"] = None
    events.loc[4, "occurred_at"] = pd.NaT
    events.loc[5, "event_id"] = "e0"
    events.loc[6, ["kind", "user_id"]] = ["wave", None]
    cleaned = clean(events, KINDS)
    assert cleaned.dropped == {
        "kind does not count": 1,
        "no user": 2,
        "no item": 1,
        "no time": 1,
        "event id repeats": 1,
    }
    assert len(cleaned.interactions) + sum(cleaned.dropped.values()) == len(events)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match="The events of the snapshot lack kind; they have event_id, user_id"):
        clean(frame([("ann", "a", 1)]).drop(columns="kind"), KINDS)


def test_times_without_a_zone_are_refused() -> None:
    events = frame([("ann", "a", 1)])
    with pytest.raises(DataError, match="have occurred_at without a time zone"):
        clean(events.assign(occurred_at=events["occurred_at"].dt.tz_localize(None)), KINDS)


def test_a_catalogue_has_each_item_once() -> None:
    require_catalogue(catalogue(["a", "b"]))
    with pytest.raises(DataError, match="have 'a' more than once"):
        require_catalogue(catalogue(["a", "b", "a"]))
    with pytest.raises(DataError, match="The items of the snapshot lack price"):
        require_catalogue(catalogue(["a"]).drop(columns="price"))


def test_nothing_is_no_error() -> None:
    cleaned = clean(frame([]), KINDS)
    assert (len(cleaned.interactions), cleaned.dropped) == (0, {})
    assert np.issubdtype(cleaned.interactions["value"].dtype, np.floating)
