"""What a comparison of two releases reads, block by block of users, and where it is kept."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg

from nextpick.store import arrays, sql

NO_RELEASE = -1  # what nothing is compared with
_SQL = sql.load("comparing")


@dataclass(frozen=True)
class Rows:
    """Lists of a block of users in one release: user i's is item_rows[starts[i]:starts[i + 1]] (int32, best first);
    `there` (bool) is False where the release does not know the user."""

    item_rows: np.ndarray
    starts: np.ndarray
    there: np.ndarray


@dataclass(frozen=True)
class Made:
    """How far a release is: the users it was marked ready with, the lists there are, the users its blocks name (0
    where no blocks are kept), the blocks that are not done, and the users erased since it was begun."""

    users: int
    lists: int
    planned: int
    undone: int
    erased: int


def made(conn: psycopg.Connection, release_id: int) -> Made:
    """How far the release is; counts its lists."""
    row = conn.execute(_SQL["made"], {"release_id": release_id}).fetchone()
    return Made(*(int(value) for value in row)) if row else Made(0, 0, 0, 0, 0)


def has_items(conn: psycopg.Connection, release_id: int) -> bool:
    """Whether the release's items are in the database."""
    row = conn.execute(_SQL["has_items"], {"release_id": release_id}).fetchone()
    return bool(row and row[0])


def unavailable(conn: psycopg.Connection, *release_ids: int) -> frozenset[str]:
    """Ids of the items of these releases that are hidden, or in no catalogue any more."""
    return frozenset(row[0] for row in conn.execute(_SQL["unavailable"], {"releases": list(release_ids)}))


def blocks(conn: psycopg.Connection, new: int, live: int, users: int) -> Iterator[tuple[tuple[str, ...], Rows, Rows]]:
    """Every user of either release, about `users` at a time: ids, and the lists in both. `conn` is in a transaction."""
    arrays.register(conn)
    with conn.cursor("comparing", binary=True) as cursor:
        cursor.execute(_SQL["pairs"], {"new": new, "live": live})
        while rows := cursor.fetchmany(users):
            yield tuple(row[0] for row in rows), _rows([row[1] for row in rows]), _rows([row[2] for row in rows])


def _rows(lists: Sequence[np.ndarray | None]) -> Rows:
    there = np.array([items is not None for items in lists], bool)
    known = [items for items in lists if items is not None]
    sizes = np.array([0 if items is None else len(items) for items in lists], np.int64)
    return Rows(
        item_rows=np.concatenate(known).astype(np.int32) if known else np.empty(0, np.int32),
        starts=np.concatenate([[0], np.cumsum(sizes)]),
        there=there,
    )


def kept(conn: psycopg.Connection, release_id: int) -> dict[str, Any] | None:
    """What `keep` wrote on the release, or None where it did not."""
    row = conn.execute(_SQL["kept"], {"release_id": release_id}).fetchone()
    return row[0] if row else None


def keep(conn: psycopg.Connection, release_id: int, diff: Mapping[str, Any], reasons: Sequence[str]) -> None:
    """Write the comparison on the release, which is blocked where there are reasons, and ready where there are none."""
    conn.execute(
        _SQL["keep"],
        {
            "release_id": release_id,
            "diff": json.dumps(diff),
            "reasons": list(reasons),
            "status": "blocked" if reasons else "ready",
        },
    )
