"""Rows of a query against somebody else's Postgres: read only, one snapshot, some thousand rows at a time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from nextpick.errors import DataError, StoreError
from nextpick.store.connection import connect, place

REMEDY = "Is the address given with --from right, and may this machine connect?"


def rows(
    url: str,
    query: str,
    name: str,
    *,
    size: int,
    timezone: str = "UTC",
    after: tuple[str, datetime | float] | None = None,
) -> Iterator[tuple[list[str], list[tuple[Any, ...]]]]:
    """The result of `query` as (column names, up to `size` rows), at least once, so that the columns are known.

    `after` is (column, lower bound, which is included): only those rows are fetched. Times without a zone are
    compared in `timezone`. `name` is the query's, for errors.

    Raises: DataError where the query is wrong; StoreError where the server cannot be reached, or goes away.
    """
    with connect(url, remedy=REMEDY) as conn:
        try:
            conn.execute("SELECT set_config('TimeZone', %s, false)", (timezone,))
            conn.commit()
            conn.read_only = True
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with conn.cursor(name="nextpick_load") as cursor:
                cursor.execute(*_bounded(query, after))
                columns = [column.name for column in cursor.description or ()]
                block = cursor.fetchmany(size)
                while True:
                    yield columns, block
                    if not (block := cursor.fetchmany(size)):
                        return
        except psycopg.OperationalError as error:
            reason = str(error).strip().splitlines()[0]
            raise StoreError(
                f"Postgres at {place(url)} went away while {name} was read: {reason}. Load again."
            ) from None
        except psycopg.Error as error:
            raise DataError(f"{name} failed at {place(url)}: {str(error).strip()}") from None


def _bounded(query: str, after: tuple[str, datetime | float] | None) -> tuple[sql.Composed, list[datetime | float]]:
    """The user's own SELECT as a table, whole or only its newer rows."""
    wanted = sql.SQL("SELECT * FROM ({}\n) AS wanted").format(sql.SQL(query.replace("%", "%%")))
    if after is None:
        return wanted, []
    column, bound = after
    return wanted + sql.SQL(" WHERE {} >= %s").format(sql.Identifier(column)), [bound]
