"""Generations: each release's lists and items in partitions of their own, loaded whole and dropped whole."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np
import psycopg
from psycopg import sql as names

from nextpick.store import list_rows, sql
from nextpick.store.arrays import FLOAT4, INT2, INT4, INT8
from nextpick.store.list_rows import Column, field

SCHEMA = "nextpick"
PARENTS = ("lists", "release_items")
# The array columns of `lists`, in its order.
LIST_ELEMENTS = (INT4, FLOAT4, FLOAT4, INT2, INT4, INT4, FLOAT4, INT8, INT8)
SIMILAR_ELEMENTS = (INT4, FLOAT4)
_SQL = sql.load("lists")


def create(conn: psycopg.Connection, release_id: int) -> None:
    """Create the release's two tables, shaped like their parents but not attached: no reader sees them."""
    for parent in PARENTS:
        table = _table(parent, release_id)
        conn.execute(
            names.SQL(
                "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE, "
                "CHECK (release_id = {}))"
            ).format(table, names.Identifier(SCHEMA, parent), names.Literal(release_id))
        )


def copy_lists(conn: psycopg.Connection, release_id: int, blocks: Iterable[tuple[Sequence[str], list[Column]]]) -> int:
    """COPY users' lists as they come, in one statement: (user ids, the table's array columns in its order); returns how
    many Postgres took."""
    first = field(release_id.to_bytes(8, "big"))
    statement = names.SQL("COPY {} FROM STDIN (FORMAT binary)").format(_table("lists", release_id))
    with conn.cursor() as cur:
        with cur.copy(statement) as copy:
            copy.write(list_rows.START)
            for user_ids, columns in blocks:
                for piece in list_rows.pieces(first, (field(user_id.encode()) for user_id in user_ids), columns):
                    copy.write(piece)
            copy.write(list_rows.END)
        return cur.rowcount


def copy_similar(conn: psycopg.Connection, release_id: int, columns: list[Column]) -> None:
    """COPY each item's nearest: (rows, scores) by item row."""
    first, n = field(release_id.to_bytes(8, "big")), len(columns[0].starts) - 1
    with conn.cursor() as cur, cur.copy(_SQL["fill_similar"]) as copy:
        copy.write(list_rows.START)
        for piece in list_rows.pieces(first, (field(row.to_bytes(4, "big")) for row in range(n)), columns):
            copy.write(piece)
        copy.write(list_rows.END)


def copy_charts(conn: psycopg.Connection, release_id: int, charts: Iterable[tuple[str, str, Sequence[int]]]) -> None:
    """COPY the charts: (chart, category, item rows, best first) each."""
    with conn.cursor() as cur, cur.copy(_SQL["fill_charts"]) as copy:
        for chart, category, rows in charts:
            copy.write_row((release_id, chart, category, list(rows)))


def copy_items(conn: psycopg.Connection, release_id: int, rows: Sequence[Sequence[object]]) -> None:
    """COPY the release's items: (item_row, item_id, title, categories, price or None, features) each."""
    statement = names.SQL("COPY {} FROM STDIN").format(_table("release_items", release_id))
    with conn.cursor() as cur, cur.copy(statement) as copy:
        for row in rows:
            copy.write_row((release_id, *row))


def index(conn: psycopg.Connection, release_id: int) -> None:
    """Index a loaded generation, once all rows are in, and tell the planner of it; a killed run's index stays."""
    for parent, key in zip(PARENTS, ("user_id", "item_row"), strict=True):
        table = _table(parent, release_id)
        if conn.execute(_SQL["indexed"], {"table": f"{SCHEMA}.{parent}_{release_id}"}).fetchone() is None:
            conn.execute(names.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(table, names.Identifier(key)))
        conn.execute(names.SQL("ANALYZE {}").format(table))


def without_erased(conn: psycopg.Connection, release_id: int, since: datetime) -> int:
    """Remove the users erased after `since`, while a block with them was being filled; returns how many."""
    statement = names.SQL(_SQL["without_erased"]).format(table=_table("lists", release_id))
    return conn.execute(statement, {"since": since}).rowcount


def count(conn: psycopg.Connection, release_id: int) -> tuple[int, int]:
    """How many lists and items a generation has, attached or not."""
    counts = [
        conn.execute(names.SQL("SELECT count(*) FROM {}").format(_table(parent, release_id))).fetchone()
        for parent in PARENTS
    ]
    return tuple(int(row[0]) if row else 0 for row in counts)  # type: ignore[return-value]


def size(conn: psycopg.Connection, release_id: int) -> int:
    """Bytes of a generation: its two tables with their indexes, its neighbours and its charts."""
    tables = [f"{SCHEMA}.{parent}_{release_id}" for parent in PARENTS]
    row = conn.execute(_SQL["size"], {"tables": tables, "release_id": release_id}).fetchone()
    return int(row[0]) if row else 0


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
        # One half detached, which long readers left, comes first whosever it is: Postgres begins no second one
        going = {"parent": f"{SCHEMA}.{parent}", "partition": f"{parent}_{release_id}"}
        for name, half_detached in conn.execute(_SQL["going"], going).fetchall():
            how = names.SQL("FINALIZE" if half_detached else "CONCURRENTLY")
            conn.execute(
                names.SQL("ALTER TABLE {} DETACH PARTITION {} {}").format(
                    names.Identifier(SCHEMA, parent), names.Identifier(SCHEMA, name), how
                )
            )
    drop_tables(conn, release_id)


def drop_tables(conn: psycopg.Connection, release_id: int) -> None:
    """Remove what is attached to no parent, as is all of a generation in the making; absent tables are no error.

    The tables go last: while there is one, the next run knows that something of the release is left.
    """
    for query in ("drop_similar", "drop_charts"):
        conn.execute(_SQL[query], {"release_id": release_id})
    for parent in PARENTS:
        conn.execute(names.SQL("DROP TABLE IF EXISTS {}").format(_table(parent, release_id)))


def first(conn: psycopg.Connection, release_id: int) -> tuple[object, ...] | None:
    """One list row of a release, (user_id, arrays...), or None where it has none."""
    return conn.cursor(binary=True).execute(_SQL["first"], {"release_id": release_id}).fetchone()


def items(conn: psycopg.Connection, release_id: int) -> list[tuple[object, ...]]:
    """A release's items in row order: (item_row, item_id, title, categories, price, features)."""
    return conn.cursor(binary=True).execute(_SQL["items"], {"release_id": release_id}).fetchall()


def charts(conn: psycopg.Connection, release_id: int) -> dict[tuple[str, str], np.ndarray]:
    """A release's charts: item rows (int32, best first) by (chart, category)."""
    rows = conn.cursor(binary=True).execute(_SQL["charts"], {"release_id": release_id}).fetchall()
    return {(row[0], row[1]): np.asarray(row[2], np.int32) for row in rows}


def items_of_draft(conn: psycopg.Connection, release_id: int) -> list[tuple[object, ...]]:
    """As `items`, of a generation in the making, which is attached to nothing yet."""
    statement = names.SQL(_SQL["items_of_draft"]).format(table=_table("release_items", release_id))
    return conn.cursor(binary=True).execute(statement).fetchall()


def hidden(conn: psycopg.Connection) -> frozenset[str]:
    """Ids of the items nobody may be shown."""
    return frozenset(row[0] for row in conn.execute(_SQL["hidden"]))


def _table(parent: str, release_id: int) -> names.Identifier:
    return names.Identifier(SCHEMA, f"{parent}_{release_id}")
