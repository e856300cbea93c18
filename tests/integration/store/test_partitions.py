"""Partitions are made while others write."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from time import sleep

import psycopg
import pytest

from nextpick.store import partitions
from nextpick.store.transactions import with_lock_retry

MAY = datetime(2030, 5, 31, tzinfo=UTC)
INSERT = (
    "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at) "
    "VALUES (%s, 'u', 'i', 'view', '2030-05-07T00:00Z')"
)


@pytest.fixture
def another(database_url: str) -> Iterator[psycopg.Connection]:
    """A second session, each statement its own transaction."""
    with psycopg.connect(database_url, autocommit=True) as other:
        yield other


def make(conn: psycopg.Connection) -> None:
    def step() -> None:
        with conn.transaction():
            partitions.ensure(conn, "events", MAY)

    with_lock_retry(conn, step, "make partitions")


def test_rows_of_the_default_partition_move_to_their_month(conn: psycopg.Connection) -> None:
    conn.execute(INSERT, ("x",))
    assert partitions.ensure(conn, "events", MAY) == 1 + partitions.MONTHS_AHEAD
    assert partitions.ensure(conn, "events", MAY) == 0
    assert conn.execute("SELECT count(*) FROM nextpick.events_default").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM nextpick.events_2030_05").fetchone() == (1,)


def test_a_row_that_is_being_written_moves_too(conn: psycopg.Connection, another: psycopg.Connection) -> None:
    conn.execute(INSERT, ("on its way",))
    maker = threading.Thread(target=make, args=(another,))
    maker.start()
    sleep(0.5)
    conn.commit()
    maker.join()
    assert another.execute("SELECT event_id FROM nextpick.events_2030_05").fetchall() == [("on its way",)]


def test_whoever_makes_partitions_waits_for_nobody_at_length(
    conn: psycopg.Connection, another: psycopg.Connection
) -> None:
    """A reader of the DEFAULT partition that takes its time must not make all writers wait behind the maker."""
    conn.execute("SELECT count(*) FROM nextpick.events")
    maker = threading.Thread(target=make, args=(another,))
    maker.start()
    with psycopg.connect(conn.info.dsn, password=conn.info.password, autocommit=True) as writer:
        writer.execute("SET statement_timeout = '2s'")
        for n in range(5):
            writer.execute(INSERT, (f"{n}",))
            sleep(0.1)
    conn.commit()
    maker.join()
    assert another.execute("SELECT count(*) FROM nextpick.events_2030_05").fetchone() == (5,)
