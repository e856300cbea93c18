"""What of the database is in use, what is old, and how the old goes."""

import re
from datetime import UTC, datetime

import psycopg
from psycopg import sql as names

from nextpick.store import partitions, releases, sql
from nextpick.store.transactions import with_lock_retry

_SQL = sql.load("retention")
_MONTH = re.compile(r"_(\d{4})_(\d\d)$")


def in_use(conn: psycopg.Connection) -> tuple[frozenset[str], frozenset[str]]:
    """Model versions and bundle sha256s of every release that is not dropped."""
    found = conn.execute(_SQL["in_use"]).fetchall()
    return frozenset(row[0] for row in found), frozenset(row[1] for row in found)


def beyond(conn: psycopg.Connection, keep: int, horizon: datetime) -> dict[int, int]:
    """Releases whose lists may go, with their bytes: those beyond the newest `keep`, and all from before `horizon`; but
    not what is live."""
    old = (row[0] for row in conn.execute(_SQL["made_before"], {"before": horizon}))
    found = sorted({*releases.beyond(conn, keep), *old})
    sizes = {number: conn.execute(_SQL["bytes"], {"release_id": number}).fetchone() for number in found}
    return {number: int(row[0]) if row else 0 for number, row in sizes.items()}


def old_months(conn: psycopg.Connection, table: str, before: datetime) -> list[tuple[str, int]]:
    """The partitions of `table` that hold nothing from `before` on, oldest first, with their bytes."""
    found = conn.execute(_SQL["partitions"], {"table": f"{partitions.SCHEMA}.{table}"}).fetchall()
    return [(name, size) for name, size in found if (end := _end(name)) is not None and end <= before]


def astray(conn: psycopg.Connection, table: str) -> dict[datetime, int]:
    """Rows in the DEFAULT partition of `table`, by the first moment of their month."""
    query = names.SQL(_SQL["astray"]).format(
        key=names.Identifier(partitions.KEYS[table]), table=names.Identifier(partitions.SCHEMA, f"{table}_default")
    )
    return dict(conn.execute(query).fetchall())


def drop_month(conn: psycopg.Connection, table: str, partition: str) -> None:
    """Drop a partition; of events, their ids first. May be repeated after a crash. `conn` is in autocommit mode.

    Raises: StoreError where a lock is in the way.
    """
    name = names.Identifier(partitions.SCHEMA, partition)
    if table == "events":
        conn.execute(names.SQL(_SQL["forget_ids"]).format(table=name))
    with_lock_retry(conn, lambda: conn.execute(names.SQL("DROP TABLE {}").format(name)), f"drop {partition}")


def quarantined(conn: psycopg.Connection, before: datetime) -> tuple[int, int]:
    """Rejected rows of loads from before a moment: how many, and their bytes."""
    row = conn.execute(_SQL["quarantined"], {"before": before}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def forget_quarantined(conn: psycopg.Connection, before: datetime) -> None:
    """Delete them."""
    conn.execute(_SQL["forget_quarantined"], {"before": before})


def reports(conn: psycopg.Connection, before: datetime) -> list[str]:
    """Where HTML reports from before a moment lie, below the folder of reports."""
    return [row[0] for row in conn.execute(_SQL["reports"], {"before": before})]


def report_paths(conn: psycopg.Connection) -> frozenset[str]:
    """Where all HTML reports lie, below the folder of reports."""
    return frozenset(row[0] for row in conn.execute(_SQL["report_paths"]))


def forget_report(conn: psycopg.Connection, path: str) -> None:
    """Say that a report's HTML is gone."""
    conn.execute(_SQL["forget_report"], {"path": path})


def newest_snapshots(conn: psycopg.Connection, n: int, since: datetime) -> list[str]:
    """DVC's md5s of the n snapshots that were exported last, and since a moment."""
    return [row[0] for row in conn.execute(_SQL["snapshots"], {"n": n, "since": since})]


def move_bundles(conn: psycopg.Connection, old: str, new: str) -> None:
    """Say of the bundles that lay below the folder `old` that they lie below `new`. The caller commits."""
    conn.execute(_SQL["move_bundles"], {"old": old, "new": new})


def _end(partition: str) -> datetime | None:
    """When the month of a partition ends; None for one that is no month's."""
    found = _MONTH.search(partition)
    if found is None:
        return None
    index = int(found[1]) * 12 + int(found[2])
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
