"""Erasure: a user who asked to be forgotten is unknown at once, and what is stored of the user goes.

The tombstone in `erased_users` and all deletions are one transaction. Whoever reads looks at the tombstone too, as a
writer that began earlier may still bring something in: a list whose release knows nothing after the erasure, an event
that came in before it, count for nothing. An event that happened and came in later begins a new history.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from nextpick.store import sql
from nextpick.store.transactions import step_by_step

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_SQL = sql.load("erasure")
_KINDS = ("lists", "events", "impressions", "quarantine", "comparisons")
_LATE = ("lists", "events", "impressions", "comparisons")


@dataclass(frozen=True)
class Erased:
    """What was deleted of a user, in rows, and when."""

    erased_at: datetime
    lists: int
    events: int
    impressions: int
    quarantine: int
    comparisons: int

    @property
    def counts(self) -> dict[str, int]:
        """The rows, by what they were."""
        return {kind: getattr(self, kind) for kind in _KINDS}


@dataclass(frozen=True)
class Receipt:
    """`gone` at once; `copies_until` is when the last snapshot, bundle or list made before the erasure goes."""

    user_id: str
    gone: Erased
    copies_until: datetime

    def lines(self) -> list[str]:
        """For a person to read, or to hand on."""
        gone, at = self.gone, f"{self.gone.erased_at:%Y-%m-%d %H:%M:%S} UTC"
        return [
            f"Erased {self.user_id} at {at}. From then on the user is unknown to every answer, list and training.",
            f"Deleted at once: {gone.events} events, {gone.impressions} answers, {gone.lists} lists, {gone.quarantine} "
            f"rejected rows, {gone.comparisons} mentions in comparisons.",
            f"By {self.copies_until:%Y-%m-%d}: what was made before and may name the user, that is DVC's snapshots, "
            "model bundles with their MLflow runs, and copies of the pipeline. Housekeeping removes them, and raises "
            "an alarm where the live model is so old that it has to be retrained first.",
            "Not within NextPick's reach: backups made before, and files the events were loaded from. After a backup "
            "is restored, erase again.",
            "Kept: the user's id and the moment, and digests of the ids of the events, so that nothing brings the user "
            "back. What the user does later begins a new history.",
        ]


def forget(conn: psycopg.Connection, user_id: str, copies_days: int) -> Receipt:
    """`erase` in a transaction of its own, with a receipt; copies made before go within `copies_days`, and one night.

    Raises: StoreError where `conn` is in a transaction.
    """
    with step_by_step(conn, "An erasure"), conn.transaction():
        gone = erase(conn, user_id)
    return Receipt(user_id, gone, gone.erased_at + timedelta(days=copies_days + 1))  # housekeeping runs once a day


def erase(conn: psycopg.Connection, user_id: str) -> Erased:
    """Erase a user, in a transaction of the caller's; who is unknown, or erased already, is erased all the same."""
    values = {"user_id": user_id}
    row = conn.execute(_SQL["mark"], values).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
    conn.execute(_SQL["plans"], values)
    return Erased(row[0], *(_deleted(conn, kind, values) for kind in _KINDS))


def sweep(conn: psycopg.Connection) -> dict[str, int]:
    """Delete what came in of erased users while they were being erased; rows by what they are. The caller commits."""
    return {kind: _deleted(conn, f"late_{kind}", {}) for kind in _LATE}


def horizon(conn: psycopg.Connection, until: datetime) -> datetime:
    """When a user was erased last, up to a moment: what was made before may name the user. Else BEGINNING."""
    row = conn.execute(_SQL["horizon"], {"until": until}).fetchone()
    return row[0] if row and row[0] else BEGINNING


def _deleted(conn: psycopg.Connection, query: str, values: dict[str, str]) -> int:
    done = conn.execute(_SQL[query], values)
    return int((done.fetchone() or (0,))[0]) if done.description else done.rowcount
