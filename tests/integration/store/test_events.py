"""Events go in once, whatever comes twice, and come out as they went in."""

from datetime import UTC, datetime

import pandas as pd
import psycopg
import pytest

from nextpick.store import events, items
from tests.published import LAST, catalogue, interactions

ODD = ['a "quoted", id', "new\nline", "юзер", "'; DROP TABLE nextpick.events; --", "\\N", "NULL", "%s", " "]


def frame(ids: list[str], at: str = "2025-11-12T18:00:00.123456Z") -> pd.DataFrame:
    moments = pd.to_datetime([at] * len(ids), utc=True).astype("datetime64[us, UTC]")
    return pd.DataFrame(
        {"event_id": ids, "user_id": ids, "item_id": ids, "kind": "purchase", "occurred_at": moments, "value": 1.5}
    )


def test_events_come_out_as_they_went_in(conn: psycopg.Connection) -> None:
    there = interactions()
    there.loc[3, "value"] = float("nan")
    assert events.insert(conn, there) == len(there)
    back = events.read(conn, before=datetime(2026, 1, 1, tzinfo=UTC))
    expected = there.sort_values(["occurred_at", "event_id"], ignore_index=True)
    pd.testing.assert_frame_equal(back, expected, check_dtype=False)
    assert str(back["occurred_at"].dtype) == "datetime64[us, UTC]"
    assert events.newest(conn) == LAST


def test_an_id_that_is_known_or_stands_twice_counts_once(conn: psycopg.Connection) -> None:
    assert events.insert(conn, frame(["a", "b", "a"])) == 2
    assert events.insert(conn, frame(["b", "c"], at="2024-01-01T00:00:00Z")) == 1
    assert len(events.read(conn, before=datetime(2026, 1, 1, tzinfo=UTC))) == 3


def test_odd_ids_survive_the_round_trip(conn: psycopg.Connection) -> None:
    assert events.insert(conn, frame(ODD)) == len(ODD)
    back = events.read(conn, before=datetime(2026, 1, 1, tzinfo=UTC))
    assert sorted(back["user_id"]) == sorted(ODD)
    assert back["occurred_at"].iloc[0].isoformat() == "2025-11-12T18:00:00.123456+00:00"


def test_a_window_is_half_open_and_may_be_empty(conn: psycopg.Connection) -> None:
    events.insert(conn, frame(["a"], at="2025-11-12T18:00:00Z"))
    assert len(events.read(conn, since=LAST, before=LAST)) == 0
    assert list(events.read(conn, since=LAST, before=LAST)) == list(frame(["a"]))
    assert len(events.read(conn, since=LAST, before=datetime(2025, 11, 13, tzinfo=UTC))) == 1
    assert events.newest(conn) is not None


def test_items_are_replaced_and_keep_being_hidden(conn: psycopg.Connection) -> None:
    there = catalogue()
    there.loc[0, "price"] = float("nan")
    there.loc[1, "published_at"] = pd.NaT
    assert items.upsert(conn, there) == len(there)
    assert items.upsert(conn, there) == 0
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = 'tea-03'")
    assert items.upsert(conn, pd.concat([there[3:4], there[3:4].assign(title="New")])) == 1
    back = items.read(conn).set_index("item_id")
    assert back.loc["tea-03", "title"] == "New"
    assert back["hidden"].sum() == 1
    assert pd.isna(back.loc["tea-00", "price"])
    assert pd.isna(back.loc["tea-01", "published_at"])
    assert back.loc["tool-01", "categories"] == ["tool"]


@pytest.mark.parametrize("column", ["user_id", "item_id", "event_id"])
def test_an_id_that_is_too_long_is_refused_by_postgres_too(conn: psycopg.Connection, column: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        events.insert(conn, frame(["a"]).assign(**{column: "x" * 257}))
