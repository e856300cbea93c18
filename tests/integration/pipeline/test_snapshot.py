"""Where there is nothing to take or to train on, the stages say what to do about it."""

from datetime import UTC, datetime

import psycopg
import pytest

from nextpick.errors import DataError
from nextpick.settings import Settings
from nextpick.stages import checkout, export
from tests.published import fill

CUTOFF = datetime(2025, 11, 24, 2, tzinfo=UTC)


def test_an_empty_database_is_not_exported(conn: psycopg.Connection, settings: Settings) -> None:
    with pytest.raises(DataError, match=r"no event before 2025-11-24 02:00 UTC.*nextpick load EVENTS"):
        export.run(conn, settings, cutoff=CUTOFF, run_id="r")


def test_a_cutoff_before_the_first_event_is_not_exported(conn: psycopg.Connection, settings: Settings) -> None:
    fill(conn)
    conn.commit()
    with pytest.raises(DataError, match=r"no event before 2001-01-01 00:00 UTC.*take a later cutoff"):
        export.run(conn, settings, cutoff=datetime(2001, 1, 1, tzinfo=UTC), run_id="r")


def test_without_a_snapshot_there_is_nothing_to_check_out(conn: psycopg.Connection, settings: Settings) -> None:
    with pytest.raises(DataError, match="trigger the DAG data_prep, or run `nextpick train`"):
        checkout.run(conn, settings, run_id="r")
