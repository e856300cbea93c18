"""Keys of the API: made, revoked, and read. Only their SHA-256 is here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from nextpick.errors import StoreError
from nextpick.keys import Key
from nextpick.store import sql

_SQL = sql.load("keys")


@dataclass(frozen=True)
class Kept:
    """A key as an admin sees it; `revoked_at` is None while it is in use."""

    key_id: str
    name: str
    scopes: tuple[str, ...]
    per_second: float | None
    made_by: str
    made_at: datetime
    revoked_at: datetime | None


def add(conn: psycopg.Connection, key: Key, *, made_by: str) -> None:
    """Put a new key in use; the caller commits. Raises: StoreError where its name is in use."""
    values = {"key_id": key.key_id, "name": key.name, "sha256": key.sha256, "per_second": key.per_second}
    done = conn.execute(_SQL["add"], {**values, "scopes": sorted(key.scopes), "made_by": made_by})
    if done.fetchone() is None:
        raise StoreError(
            f"There is a key named {key.name} already. Take another name, or first `nextpick keys revoke {key.name}`."
        )


def revoke(conn: psycopg.Connection, name: str) -> str:
    """Take a key out of use and return its id; the caller commits. Raises: StoreError where there is none."""
    row = conn.execute(_SQL["revoke"], {"name": name}).fetchone()
    if row is None:
        raise StoreError(f"There is no key named {name!r} in use. `nextpick keys` lists them.")
    return str(row[0])


def every(conn: psycopg.Connection) -> list[Kept]:
    """Every key there is or was, those in use first."""
    rows = conn.execute(_SQL["every"]).fetchall()
    return [Kept(key_id, name, tuple(scopes), *rest) for key_id, name, scopes, *rest in rows]


def parse(documents: Iterable[Sequence[Any]]) -> dict[str, Key]:
    """By id, the keys of the one row that the query `in_use` gives."""
    return {
        key_id: Key(key_id, name, bytes.fromhex(sha256), frozenset(scopes), per_second)
        for key_id, name, sha256, scopes, per_second in documents
    }
