"""Generations: each release's lists and items in partitions of their own, loaded whole and dropped whole."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from psycopg import sql as names

from nextpick.store import arrays, sql
from nextpick.store.arrays import FLOAT4, INT2, INT4, INT8, Element

SCHEMA = "nextpick"
PARENTS = ("lists", "release_items")
_SQL = sql.load("lists")
_COPY_START = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
_COPY_END = b"\xff\xff"


@dataclass(frozen=True)
class Column:
    """An array column of many rows: row i holds values[starts[i]:starts[i + 1]]."""

    values: np.ndarray
    starts: np.ndarray
    element: Element


def create(conn: psycopg.Connection, release_id: int) -> None:
    """Create the release's two tables, shaped like their parents but not attached: no reader sees them."""
    for parent in PARENTS:
        table = _table(parent, release_id)
        conn.execute(
            names.SQL(
                "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS, CHECK (release_id = {}))"
            ).format(table, names.Identifier(SCHEMA, parent), names.Literal(release_id))
        )


def copy_lists(conn: psycopg.Connection, release_id: int, user_ids: Sequence[str], columns: Sequence[Column]) -> None:
    """COPY one block of users; `columns` are the table's array columns in its order."""
    statement = names.SQL("COPY {} FROM STDIN (FORMAT binary)").format(_table("lists", release_id))
    start = (2 + len(columns)).to_bytes(2, "big") + _field(release_id.to_bytes(8, "big"))
    encoded = [(memoryview(arrays.encode(c.values, c.element)), c.starts.tolist(), c.element) for c in columns]
    with conn.cursor() as cur, cur.copy(statement) as copy:
        copy.write(_COPY_START)
        for row, user_id in enumerate(user_ids):
            parts: list[bytes | memoryview] = [start, _field(user_id.encode())]
            for data, starts, element in encoded:
                first, last = starts[row], starts[row + 1]
                head, width = arrays.header(last - first, element), element.wire.itemsize
                parts += (
                    (len(head) + (last - first) * width).to_bytes(4, "big"),
                    head,
                    data[first * width : last * width],
                )
            copy.write(b"".join(parts))
        copy.write(_COPY_END)


def copy_items(conn: psycopg.Connection, release_id: int, rows: Sequence[Sequence[object]]) -> None:
    """COPY the release's items: (item_row, item_id, title, categories, price or None, features) each."""
    statement = names.SQL("COPY {} FROM STDIN").format(_table("release_items", release_id))
    with conn.cursor() as cur, cur.copy(statement) as copy:
        for row in rows:
            copy.write_row((release_id, *row))


def index(conn: psycopg.Connection, release_id: int) -> None:
    """Index a loaded generation, once all rows are in, and tell the planner of it."""
    for parent, key in zip(PARENTS, ("user_id", "item_row"), strict=True):
        table = _table(parent, release_id)
        conn.execute(names.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(table, names.Identifier(key)))
        conn.execute(names.SQL("ANALYZE {}").format(table))


def attach(conn: psycopg.Connection, release_id: int) -> None:
    """Make the two tables partitions of their parents. The CHECK spares Postgres the scan; takes a short lock."""
    for parent in PARENTS:
        conn.execute(
            names.SQL("ALTER TABLE {} ATTACH PARTITION {} FOR VALUES IN ({})").format(
                names.Identifier(SCHEMA, parent), _table(parent, release_id), names.Literal(release_id)
            )
        )


def drop(conn: psycopg.Connection, release_id: int) -> None:
    """Remove a generation's tables, wherever a killed run left them; absent ones are no error.

    `conn` must be in autocommit mode: DETACH ... CONCURRENTLY, which lets readers through, allows no transaction.
    """
    for parent in PARENTS:
        name, table = f"{parent}_{release_id}", _table(parent, release_id)
        row = conn.execute(_SQL["attached"], {"parent": f"{SCHEMA}.{parent}", "partition": name}).fetchone()
        if row is not None:
            how = names.SQL("FINALIZE" if row[1] else "CONCURRENTLY")
            conn.execute(
                names.SQL("ALTER TABLE {} DETACH PARTITION {} {}").format(names.Identifier(SCHEMA, parent), table, how)
            )
        conn.execute(names.SQL("DROP TABLE IF EXISTS {}").format(table))


def first(conn: psycopg.Connection, release_id: int) -> tuple[object, ...] | None:
    """One list row of a release, (user_id, arrays...), or None where it has none."""
    return conn.cursor(binary=True).execute(_SQL["first"], {"release_id": release_id}).fetchone()


def items(conn: psycopg.Connection, release_id: int) -> list[tuple[object, ...]]:
    """A release's items in row order: (item_row, item_id, title, categories, price, features)."""
    return conn.cursor(binary=True).execute(_SQL["items"], {"release_id": release_id}).fetchall()


def hidden(conn: psycopg.Connection) -> frozenset[str]:
    """Ids of the items nobody may be shown."""
    return frozenset(row[0] for row in conn.execute(_SQL["hidden"]))


def _table(parent: str, release_id: int) -> names.Identifier:
    return names.Identifier(SCHEMA, f"{parent}_{release_id}")


def _field(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


LIST_ELEMENTS = (
    INT4,
    FLOAT4,
    FLOAT4,
    INT2,
    INT4,
    INT4,
    FLOAT4,
    INT8,
    INT8,
)  # the array columns of `lists`, in its order
