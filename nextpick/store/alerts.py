"""What people were told, or should have been."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from nextpick.store import sql

_SQL = sql.load("alerts")


def record(conn: psycopg.Connection, what: str, said: str, outcome: str) -> None:
    """One alert and what became of it; the caller commits."""
    conn.execute(_SQL["record"], {"what": what, "said": said, "outcome": outcome})


def last_sent(conn: psycopg.Connection, what: str) -> datetime | None:
    """When the newest of a sort reached people, or None."""
    row = conn.execute(_SQL["last_sent"], {"what": what}).fetchone()
    return row[0] if row else None


def count_sent(conn: psycopg.Connection, what: str, since: datetime) -> int:
    """How many of a sort reached people since a moment."""
    row = conn.execute(_SQL["count_sent"], {"what": what, "since": since}).fetchone()
    return int(row[0]) if row else 0


def old(conn: psycopg.Connection, before: datetime) -> tuple[int, int]:
    """What was told before a moment: how many, and their bytes."""
    row = conn.execute(_SQL["old"], {"before": before}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def forget(conn: psycopg.Connection, before: datetime) -> None:
    """Delete them."""
    conn.execute(_SQL["forget"], {"before": before})


def told(conn: psycopg.Connection, heard: bool) -> list[str]:
    """The columns that people know to have drifted; with `heard` without those that only a log was told of."""
    return [row[0] for row in conn.execute(_SQL["told"], {"heard": heard})]


def remember(conn: psycopg.Connection, columns: Sequence[str], outcome: str) -> None:
    """These columns were told of; the caller commits."""
    conn.execute(_SQL["remember"], {"columns": list(columns), "outcome": outcome})


def over(conn: psycopg.Connection, columns: Sequence[str]) -> None:
    """These columns were told to be as before again; the caller commits."""
    conn.execute(_SQL["over"], {"columns": list(columns)})
