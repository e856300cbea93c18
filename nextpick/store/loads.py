"""Loads: what came from where, how much of it was new, and the rows that could not be used."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from nextpick.store import sql

SAMPLE = "sample: UCI Online Retail"  # the source of the sample's loads
LOAD_LOCK = 0x6C6F6164  # "load": the advisory lock of whoever writes a load
_SQL = sql.load("loads")


@dataclass(frozen=True)
class Load:
    """One row of `loads` in the making; `dropped` is reason -> rows left out on purpose."""

    source: str
    are_items: bool
    started_at: datetime
    rows_read: int
    events_new: int = 0
    events_known: int = 0
    items_written: int = 0
    quarantined: int = 0
    dropped: Mapping[str, int] | None = None
    shift_days: int = 0


@contextmanager
def one_at_a_time(conn: psycopg.Connection) -> Iterator[None]:
    """Wait for the loads before this one. `conn` must be in autocommit mode; a killed holder's lock is free at once."""
    conn.execute(_SQL["lock"], {"key": LOAD_LOCK})
    try:
        yield
    finally:
        if not conn.closed and conn.info.transaction_status == TransactionStatus.IDLE:
            conn.execute(_SQL["unlock"], {"key": LOAD_LOCK})


def stage(conn: psycopg.Connection) -> None:
    """Begin to gather rejected rows: a private table of this session, empty."""
    conn.execute(_SQL["stage"])


def reject(conn: psycopg.Connection, are_items: bool, rows: Iterable[tuple[int, str, Any]]) -> None:
    """Add rejected rows of the load's items or of its events: (line number, reason, what stood there)."""
    with conn.cursor() as cur, cur.copy(_SQL["fill"]) as copy:
        for number, reason, line in rows:
            copy.write_row((are_items, number, reason, storable(line)))


def record(conn: psycopg.Connection, load: Load) -> int:
    """Write the load and its rejected rows into the quarantine; returns the load's id. The caller commits."""
    values = {**vars(load), "dropped": json.dumps(dict(load.dropped or {}))}
    row = conn.execute(_SQL["record"], values).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
    return int(row[0])


def unstage(conn: psycopg.Connection) -> None:
    """End the gathering of rejected rows."""
    conn.execute(_SQL["unstage"])


def shift_days(conn: psycopg.Connection, source: str) -> int | None:
    """By how many days a source was moved when it was loaded first, or None where it never was."""
    row = conn.execute(_SQL["shift_days"], {"source": source}).fetchone()
    return row[0] if row else None


def storable(line: Any) -> str:
    """A rejected row as JSON that Postgres takes: NUL characters, which it does not, as the symbol for NUL; numbers
    that JSON has not, and all other values, as text."""
    return json.dumps(_plain(line), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and isfinite(value)):
        return value
    return str(value).replace("\0", "\u2400")
