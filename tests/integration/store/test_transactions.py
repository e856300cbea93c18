"""Steps under a short lock_timeout, and what is said where the connection breaks meanwhile."""

import psycopg
import pytest

from nextpick.errors import StoreError
from nextpick.store.transactions import room, with_lock_retry


def test_a_connection_that_breaks_in_a_step_is_reported_as_what_it_is(
    conn: psycopg.Connection, database_url: str
) -> None:
    conn.autocommit = True

    def ended() -> None:
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (conn.info.backend_pid,))
        conn.execute("SELECT 1")

    with pytest.raises(psycopg.OperationalError, match="terminating connection due to administrator command"):
        with_lock_retry(conn, ended, "do anything")


def test_the_session_waits_for_locks_as_before_afterwards(conn: psycopg.Connection) -> None:
    conn.autocommit = True
    with_lock_retry(conn, lambda: conn.execute("SELECT 1"), "do anything")
    assert conn.execute("SHOW lock_timeout").fetchone() == ("0",)


def test_a_full_disk_is_said_with_what_it_hinders_and_nothing_else_is_taken_for_one(conn: psycopg.Connection) -> None:
    full = "DO $$ BEGIN RAISE EXCEPTION 'could not write: No space left on device' USING ERRCODE = '53100'; END $$"
    expected = r"disk of Postgres is full, so release 7 is not compared: could not write: No space left.*\. Make room"
    with pytest.raises(StoreError, match=expected), room("release 7 is not compared"):
        conn.execute(full)
    conn.rollback()
    with pytest.raises(psycopg.errors.DivisionByZero), room("anything"):
        conn.execute("SELECT 1 / 0")
