"""The sample goes in moved to just before now, its last week held back, and stays where it was put."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from nextpick.errors import DataError
from nextpick.stages import load_sample
from nextpick.store import events, items

NOW = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
SAMPLE = Path(__file__).resolve().parents[3] / "data" / "sample" / "online_retail.parquet"
CUTOFF = datetime(2011, 12, 2, 12, 50, tzinfo=UTC)
LATER = NOW + timedelta(days=365)


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every thirtieth invoice of the sample and its last line, as a file."""
    lines = pd.read_parquet(SAMPLE)
    some = lines[lines["InvoiceNo"].str[-2:].isin(["00", "33", "66"]) | (lines.index == lines.index[-2])]
    path = tmp_path_factory.mktemp("sample") / "part.parquet"
    some.to_parquet(path)
    return path


def test_events_move_by_whole_weeks_to_just_before_now(conn: psycopg.Connection, part: Path) -> None:
    of_items, of_events = load_sample.run(conn, part, now=NOW)
    assert of_events.newest is not None
    original = of_events.newest - timedelta(days=of_events.shift_days)
    assert original < CUTOFF
    assert NOW - timedelta(days=7) < CUTOFF + timedelta(days=of_events.shift_days) <= NOW
    assert of_events.newest.weekday() == original.weekday()
    assert of_events.shift_days == of_items.shift_days
    assert of_events.shift_days % 7 == 0
    frame = events.read(conn, before=LATER)
    assert len(frame) == of_events.new
    assert frame["occurred_at"].max() == of_events.newest
    published = items.read(conn)["published_at"]
    assert published.min() >= datetime(2010, 12, 1, tzinfo=UTC) + timedelta(days=of_events.shift_days)


def test_every_line_is_accounted_for(conn: psycopg.Connection, part: Path) -> None:
    _, report = load_sample.run(conn, part, now=NOW)
    assert report.read == len(pd.read_parquet(part)) == report.new + sum(report.dropped.values())
    assert report.dropped[load_sample.HELD_BACK] > 0
    row = conn.execute("SELECT rows_read, events_new, dropped FROM nextpick.loads ORDER BY load_id DESC").fetchone()
    assert row == (report.read, report.new, report.dropped)


def test_loading_again_in_another_week_changes_nothing(conn: psycopg.Connection, part: Path) -> None:
    def tables() -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
        found = conn.execute("SELECT * FROM nextpick.events ORDER BY event_id").fetchall()
        catalogue = conn.execute("SELECT * FROM nextpick.items ORDER BY item_id").fetchall()
        conn.rollback()
        return found, catalogue

    first = load_sample.run(conn, part, now=NOW)
    before = tables()
    again = load_sample.run(conn, part, now=NOW + timedelta(days=17))
    assert tables() == before
    assert [report.new for report in again] == [0, 0]
    assert [report.shift_days for report in again] == [report.shift_days for report in first]


def test_a_sample_that_is_not_there_says_where_it_should_be(conn: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Cannot read the sample .*absent\.parquet.*part of the project: restore it"):
        load_sample.run(conn, tmp_path / "absent.parquet", now=NOW)
    (tmp_path / "torn.parquet").write_bytes(SAMPLE.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"Cannot read the sample .*torn\.parquet"):
        load_sample.run(conn, tmp_path / "torn.parquet", now=NOW)
