"""What stands for and against each release."""

from dataclasses import dataclass, replace
from datetime import datetime

import psycopg

from nextpick.errors import StoreError
from nextpick.store import sql
from nextpick.store.releases import VARIANT

MOST = 1000  # releases looked through
MOST_ID = 2**63 - 1  # of a release, as Postgres counts
_SQL = sql.load("standings")


@dataclass(frozen=True)
class Standing:
    """A release: `reasons` say why it is blocked or rejected, `rejected` who rejected its bundle and why, `overlap` how
    much of users' lists it shared with the one before, `there` whether its lists are in the database, `run_id` whose
    work it is, `was_live` whether it ever was live."""

    release_id: int
    status: str
    live: bool
    model_version: str
    bundle_uri: str
    bundle_sha256: str
    cutoff: datetime
    created_at: datetime
    users: int | None
    bytes: int | None
    reasons: tuple[str, ...]
    rejected: str
    overlap: float | None
    there: bool
    run_id: str
    was_live: bool


def newest(conn: psycopg.Connection, n: int = MOST) -> list[Standing]:
    """The n newest releases, newest first, and the live one however old."""
    return _read(conn, None, n)


def get(conn: psycopg.Connection, release_id: int) -> Standing:
    """One release. Raises: StoreError where there is none."""
    found = _read(conn, release_id, 1) if abs(release_id) <= MOST_ID else []
    if not found:
        raise StoreError(f"There is no release {release_id}. `nextpick releases` lists what there is.")
    return found[0]


def held(conn: psycopg.Connection, release_id: int) -> Standing:
    """One release, which nobody drops or rejects before this transaction ends. Raises: StoreError."""
    if abs(release_id) <= MOST_ID:
        conn.execute(_SQL["hold"], {"release_id": release_id})
    return get(conn, release_id)


def held_live(conn: psycopg.Connection) -> int | None:
    """The live release's id, which nobody changes before this transaction ends; None before the first."""
    row = conn.execute(_SQL["hold_live"], {"variant": VARIANT}).fetchone()
    return None if row is None else int(row[0])


def reject(conn: psycopg.Connection, release_id: int, reason: str) -> None:
    """Say that a release was gone back from."""
    conn.execute(_SQL["reject"], {"release_id": release_id, "reason": reason})


def accept(conn: psycopg.Connection, release_id: int) -> None:
    """Say that what stood against a release was overruled."""
    conn.execute(_SQL["accept"], {"release_id": release_id})


def _read(conn: psycopg.Connection, release_id: int | None, n: int) -> list[Standing]:
    rows = conn.execute(_SQL["newest"], {"variant": VARIANT, "release_id": release_id, "n": n})
    return [replace(Standing(*row), reasons=tuple(row[10])) for row in rows]
