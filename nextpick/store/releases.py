"""Releases: one bundle version bound to one generation of lists, and the `live` pointer that says which is served."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from nextpick.errors import StoreError
from nextpick.store import sql

VARIANT = "default"  # the only experiment arm so far
PUBLISH_LOCK = 0x6E657874  # "next": the advisory lock every publish holds
WAIT_SECONDS = 900.0  # for another publish to end
ASK_SECONDS = 0.2  # between two looks whether it has
_SQL = sql.load("releases")


@dataclass(frozen=True)
class Release:
    """One row of `releases`, as a reader needs it."""

    release_id: int
    model_version: str
    bundle_uri: str
    bundle_sha256: str
    cutoff: datetime
    lineage: Mapping[str, Any]
    variant: str


def mark_dropped(conn: psycopg.Connection, release_id: int) -> None:
    """Say that a release's generation is going."""
    conn.execute(_SQL["mark_dropped"], {"release_id": release_id})


def beyond(conn: psycopg.Connection, keep: int) -> tuple[int, ...]:
    """Whole releases that are not live, not among the newest `keep` that can be gone back to, and not the newest of the
    bundle before the live one; the last that is blocked and the last that is rejected stay, too."""
    return tuple(row[0] for row in conn.execute(_SQL["beyond"], {"keep": keep}))


def flip(conn: psycopg.Connection, release_id: int, variant: str = VARIANT) -> None:
    """Make a release live. One short transaction of the caller's."""
    conn.execute(_SQL["flip"], {"variant": variant, "release_id": release_id})


def is_live(conn: psycopg.Connection, release_id: int) -> bool:
    """Whether any variant serves the release."""
    row = conn.execute(_SQL["is_live"], {"release_id": release_id}).fetchone()
    return bool(row and row[0])


def live(conn: psycopg.Connection, variant: str = VARIANT) -> Release | None:
    """The release a variant serves, or None before the first publish."""
    return _release(conn.execute(_SQL["live"], {"variant": variant}).fetchone())


def get(conn: psycopg.Connection, release_id: int, variant: str = VARIANT) -> Release:
    """One release by id, live or not. Raises: StoreError where there is none."""
    found = _release(conn.execute(_SQL["get"], {"release_id": release_id, "variant": variant}).fetchone())
    if found is None:
        raise StoreError(f"There is no release {release_id}. `nextpick releases` lists what there is.")
    return found


def _release(row: tuple[Any, ...] | None) -> Release | None:
    return None if row is None else Release(*row)


@contextmanager
def publish_lock(conn: psycopg.Connection, wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the one publish lock of this database; a killed holder's lock is free at once. A holder may take it again.

    `conn` must be in autocommit mode: the lock outlives the transactions taken under it.

    Raises: StoreError, naming the holder, after `wait_seconds`.
    """
    if not conn.autocommit:
        raise StoreError("The publish lock needs a connection in autocommit mode, or it would wait for one commit.")
    end = monotonic() + wait_seconds
    while not _locked(conn):
        # Asked again and again, not waited for in Postgres: the holder may be detaching a partition, which waits for
        # every statement that is running, such a wait among them
        if monotonic() >= end:
            raise StoreError(
                f"Another publish is running{_holder(conn)}; waited {wait_seconds:g} s for it. "
                "Let it finish and publish again, or end that process: the next run cleans up its half-built release."
            )
        sleep(min(ASK_SECONDS, max(end - monotonic(), 0.0)))
    try:
        yield
    finally:
        if not conn.closed and conn.info.transaction_status == TransactionStatus.IDLE:
            conn.execute(_SQL["unlock"], {"key": PUBLISH_LOCK})


def _locked(conn: psycopg.Connection) -> bool:
    row = conn.execute(_SQL["lock"], {"key": PUBLISH_LOCK}).fetchone()
    return bool(row and row[0])


def _holder(conn: psycopg.Connection) -> str:
    row = conn.execute(_SQL["lock_holder"], {"key": PUBLISH_LOCK}).fetchone()
    return (
        f" (Postgres process {row[0]}, {row[2] or 'unnamed'}, connected since {row[1]:%Y-%m-%d %H:%M} UTC)"
        if row
        else ""
    )
