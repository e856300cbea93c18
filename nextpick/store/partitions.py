"""Monthly partitions of the tables that grow with time: `events` and `impressions`."""

from datetime import UTC, datetime

import psycopg
from psycopg import sql as names

from nextpick.store import sql

SCHEMA = "nextpick"
KEYS = {"events": "occurred_at", "impressions": "answered_at"}
MONTHS_AHEAD = 2  # so that nobody writes into the DEFAULT partition while housekeeping is late
_SQL = sql.load("partitions")


def ensure(conn: psycopg.Connection, table: str, now: datetime) -> int:
    """Make sure `table` has a partition for now's month and for each of the MONTHS_AHEAD after it; as `make`."""
    start = _index(now)
    return make(conn, table, [_month(index) for index in range(start, start + MONTHS_AHEAD + 1)])


def make(conn: psycopg.Connection, table: str, months: list[datetime]) -> int:
    """Make sure `table` has a partition for each of these months, given by any moment in them.

    Rows that meanwhile fell into the DEFAULT partition move to where they belong. Returns how many partitions were
    made. The caller commits, soon: until then nobody writes to the DEFAULT partition. Two callers at once wait for
    each other.
    """
    wanted = {_partition(table, month): month for month in months}
    present = _present(conn, table)
    if wanted.keys() <= present:
        return 0
    conn.execute(_SQL["lock"], {"table": f"{SCHEMA}.{table}"})
    present = _present(conn, table)
    absent = [name for name in wanted if name not in present]
    for name in absent:
        _make(conn, table, name, _index(wanted[name]))
    return len(absent)


def _make(conn: psycopg.Connection, table: str, name: str, index: int) -> None:
    parent, default, key = _name(table), _name(f"{table}_default"), names.Identifier(KEYS[table])
    bounds = {"low": names.Literal(_month(index)), "high": names.Literal(_month(index + 1))}
    conn.execute(names.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)").format(_name(name), parent))
    # ATTACH locks it too, but only after the rows are moved: one written in between would make it fail
    conn.execute(names.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(default))
    conn.execute(
        names.SQL(
            "WITH moved AS (DELETE FROM {default} WHERE {key} >= {low} AND {key} < {high} RETURNING *) "
            "INSERT INTO {new} SELECT * FROM moved"
        ).format(default=default, key=key, new=_name(name), **bounds)
    )
    conn.execute(
        names.SQL("ALTER TABLE {parent} ATTACH PARTITION {new} FOR VALUES FROM ({low}) TO ({high})").format(
            parent=parent, new=_name(name), **bounds
        )
    )


def _present(conn: psycopg.Connection, table: str) -> set[str]:
    return {row[0] for row in conn.execute(_SQL["present"], {"table": f"{SCHEMA}.{table}"})}


def _partition(table: str, month: datetime) -> str:
    at = month.astimezone(UTC)
    return f"{table}_{at.year:04}_{at.month:02}"


def _index(moment: datetime) -> int:
    at = moment.astimezone(UTC)
    return at.year * 12 + at.month - 1


def _month(index: int) -> datetime:
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


def _name(table: str) -> names.Identifier:
    return names.Identifier(SCHEMA, table)
