"""Snapshots: which state of the events DVC knows under which md5. Rows point at data; they are not the data."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from nextpick.store import sql

_SQL = sql.load("snapshots")


@dataclass(frozen=True)
class Snapshot:
    """The `events` events before `cutoff` and the catalogue, as `raw_md5`; exported by `run_id`."""

    raw_md5: str
    cutoff: datetime
    events: int
    run_id: str


def record(conn: psycopg.Connection, snapshot: Snapshot) -> None:
    """Note an export; the same data again are the same snapshot, of the later cutoff. The caller commits."""
    conn.execute(_SQL["record"], vars(snapshot))


def newest(conn: psycopg.Connection) -> Snapshot | None:
    """The snapshot that was exported last, or None before the first."""
    row = conn.execute(_SQL["newest"]).fetchone()
    return Snapshot(*row) if row else None
