"""Releases in the making: who builds them, whether anybody still does, and how they become whole or are given up.

A row lock tells a live builder from a dead one: whoever fills a block holds the release's row (FOR KEY SHARE) until
its transaction ends, and nobody gives a release up without having the row for itself.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from nextpick.errors import StoreError
from nextpick.store import sql

ALONE = "command."  # how the ids of runs begin that hold the publish lock from their plan to their end
IDLE_SECONDS = 300.0  # between two steps of a run that is alive: its next task waits for a worker
_SQL = sql.load("building")


@dataclass(frozen=True)
class Building:
    """A release and the run that builds it. `known`: what Postgres was told later is not in it."""

    release_id: int
    run_id: str
    bundle_uri: str
    bundle_sha256: str
    cutoff: datetime
    known: datetime
    status: str
    idle_seconds: float

    @property
    def whole(self) -> bool:
        return self.status not in ("building", "dropped")


def begin(
    conn: psycopg.Connection,
    run_id: str,
    model_version: str,
    bundle: tuple[str, str],
    moments: tuple[datetime, datetime],
    lineage: Mapping[str, Any],
    hidden_rows: Sequence[int],
) -> int:
    """Add a release in the making and return its id; `bundle` is (uri, sha256 of its manifest), `moments` (cutoff,
    known), `hidden_rows` the items that no list of it may have."""
    values = {
        "run_id": run_id,
        "model_version": model_version,
        "bundle_uri": bundle[0],
        "bundle_sha256": bundle[1],
        "cutoff": moments[0],
        "known": moments[1],
        "lineage": json.dumps(dict(lineage)),
        "hidden_rows": list(hidden_rows),
    }
    row = conn.execute(_SQL["begin"], values).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
    return int(row[0])


def half_built(conn: psycopg.Connection) -> list[Building]:
    """The releases in the making, whether anybody works on them or not."""
    return [Building(*row) for row in conn.execute(_SQL["half_built"])]


def is_alive(conn: psycopg.Connection, release: Building) -> bool:
    """Whether somebody still builds it, asked by the holder of the publish lock, in autocommit mode."""
    if not release.run_id.startswith(ALONE) and release.idle_seconds < IDLE_SECONDS:
        return True
    try:
        with conn.transaction():
            conn.execute(_SQL["seize"], {"release_id": release.release_id})
    except psycopg.errors.LockNotAvailable:
        return True
    return False


def hold(conn: psycopg.Connection, release_id: int) -> Building:
    """The release, which nobody gives up before this transaction ends.

    Raises: StoreError where there is none, or another run has given it up.
    """
    row = conn.execute(_SQL["hold"], {"release_id": release_id}).fetchone()
    found = Building(*row) if row else None
    if found is None:
        raise StoreError(f"There is no release {release_id}. `nextpick releases` lists what there is.")
    if found.status == "dropped":
        raise StoreError(
            f"Release {release_id} is no longer being built: it was idle for so long that another run took over. "
            "Publish again."
        )
    return found


def hidden_rows(conn: psycopg.Connection, release_id: int) -> list[int]:
    """The rows of the items that no list of the release may have."""
    row = conn.execute(_SQL["hidden_rows"], {"release_id": release_id}).fetchone()
    return list(row[0]) if row else []


def adopt(conn: psycopg.Connection, release_id: int, run_id: str) -> None:
    """Go on with a release that another run, or an earlier try of this one, left half-built."""
    conn.execute(_SQL["adopt"], {"release_id": release_id, "run_id": run_id})


def touch(conn: psycopg.Connection, release_id: int) -> None:
    """Say that a step is done."""
    conn.execute(_SQL["touch"], {"release_id": release_id})


def mark_ready(conn: psycopg.Connection, release_id: int, users: int, items: int, size: int) -> None:
    """Say that a release is whole; `size` in bytes. Raises: StoreError where it is not in the making any more."""
    values = {"release_id": release_id, "users": users, "items": items, "bytes": size}
    if conn.execute(_SQL["mark_ready"], values).rowcount != 1:
        raise StoreError(f"Release {release_id} is no longer being built: another run took over. Publish again.")


def seize(conn: psycopg.Connection, release_id: int) -> None:
    """Have the release for oneself until this transaction ends. Raises: psycopg.errors.LockNotAvailable."""
    conn.execute(_SQL["seize"], {"release_id": release_id})


def give_up(conn: psycopg.Connection, release_id: int) -> None:
    """Say that a half-built release is gone; the caller has seized it."""
    conn.execute(_SQL["give_up"], {"release_id": release_id})
