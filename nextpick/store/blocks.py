"""The blocks of users that a release is built of. A block's lists and its mark are written in one transaction."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from nextpick.errors import StoreError
from nextpick.store import sql

HELD_SECONDS = 10.0  # a block by somebody who does not fill it: by the erasure of one of its users
_SQL = sql.load("blocks")


def plan(
    conn: psycopg.Connection, release_id: int, kinds: Sequence[str], moments: tuple[datetime, datetime], size: int
) -> None:
    """Cut the users who did something of `kinds` before the cutoff into blocks of `size`, by id; all in Postgres.

    `moments` are (cutoff, known): events that Postgres was told of later than `known` do not count.
    """
    cutoff, known = moments
    values = {"release_id": release_id, "kinds": list(kinds), "cutoff": cutoff, "known": known, "size": size}
    conn.execute(_SQL["plan"], values)


def to_do(conn: psycopg.Connection, release_id: int) -> dict[int, int]:
    """The blocks that are not done, in order, and how many users each has."""
    return dict(conn.execute(_SQL["to_do"], {"release_id": release_id}).fetchall())


def take(conn: psycopg.Connection, release_id: int, block: int, since: datetime) -> tuple[str, ...] | None:
    """The users of a block, which nobody else fills before this transaction ends; None where it is done.

    Users erased after `since` are left out; an erasure that is under way is waited for.

    Raises: StoreError where another process fills it, or there is no such block.
    """
    conn.execute("SELECT set_config('lock_timeout', %s, true)", (f"{round(HELD_SECONDS * 1000)}ms",))
    try:
        row = conn.execute(_SQL["take"], {"release_id": release_id, "block": block, "since": since}).fetchone()
    except psycopg.errors.LockNotAvailable:
        raise StoreError(
            f"Block {block} of release {release_id} is being filled by another process. Let it finish; a process "
            "that was killed frees its block at once."
        ) from None
    conn.execute("SELECT set_config('lock_timeout', '0', true)")
    if row is None:
        raise StoreError(f"Release {release_id} has no block {block}. Run its plan again.")
    return None if row[0] else tuple(row[1])


def done(conn: psycopg.Connection, release_id: int, block: int) -> None:
    """Say that the block's lists are written; the caller commits both together."""
    conn.execute(_SQL["done"], {"release_id": release_id, "block": block})


def forget(conn: psycopg.Connection, release_id: int) -> None:
    """Remove the blocks of a release that is whole, or given up."""
    conn.execute(_SQL["forget"], {"release_id": release_id})
