"""Snapshots: one row a state of the data."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg

from nextpick.store import snapshots
from nextpick.store.snapshots import Snapshot

FIRST = Snapshot("a" * 32 + ".dir", datetime(2025, 11, 24, 2, tzinfo=UTC), 10, "night 1")


def test_before_the_first_export_there_is_none(conn: psycopg.Connection) -> None:
    assert snapshots.newest(conn) is None


def test_the_same_data_exported_again_are_the_same_snapshot_of_a_later_cutoff(conn: psycopg.Connection) -> None:
    again = replace(FIRST, cutoff=FIRST.cutoff + timedelta(days=1), run_id="night 2")
    snapshots.record(conn, FIRST)
    snapshots.record(conn, again)
    assert snapshots.newest(conn) == again
    assert conn.execute("SELECT count(*) FROM nextpick.snapshots").fetchone() == (1,)


def test_the_newest_is_the_one_exported_last_whatever_its_cutoff(conn: psycopg.Connection) -> None:
    older = replace(FIRST, raw_md5="b" * 32 + ".dir", cutoff=FIRST.cutoff - timedelta(days=9), run_id="night 2")
    snapshots.record(conn, FIRST)
    conn.commit()
    snapshots.record(conn, older)
    assert snapshots.newest(conn) == older
