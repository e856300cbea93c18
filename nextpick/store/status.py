"""What is live and what was done lately, for a person to read."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from nextpick.store import events, snapshots, sql
from nextpick.store.snapshots import Snapshot

_SQL = sql.load("status")


@dataclass(frozen=True)
class Release:
    """A release as a list shows it; `users` is None before it is whole."""

    release_id: int
    model_version: str
    status: str
    live: bool
    users: int | None
    cutoff: datetime
    created_at: datetime


@dataclass(frozen=True)
class Status:
    """`events` is Postgres' estimate; `drift` is the last report's verdict and when it was made."""

    releases: tuple[Release, ...]
    events: int
    newest_event: datetime | None
    snapshot: Snapshot | None
    drift: tuple[str, datetime] | None


def read(conn: psycopg.Connection, n: int) -> Status:
    """The live releases and the n newest ones, newest first, and the state of the rest."""
    found = conn.execute(_SQL["releases"], {"n": n}).fetchall()
    (count,) = conn.execute(_SQL["events"]).fetchone() or (0,)
    return Status(
        releases=tuple(Release(*row) for row in found),
        events=int(count),
        newest_event=events.newest(conn),
        snapshot=snapshots.newest(conn),
        drift=conn.execute(_SQL["drift"]).fetchone(),
    )
