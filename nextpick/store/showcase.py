"""A real user to show recommendations for."""

import psycopg

from nextpick.store import sql

_SQL = sql.load("showcase")


def any_events(conn: psycopg.Connection) -> bool:
    """Whether there is anything to learn from."""
    row = conn.execute(_SQL["any_events"]).fetchone()
    return bool(row and row[0])


def regular(conn: psycopg.Connection) -> str | None:
    """The user who came most often lately; None where nobody did."""
    row = conn.execute(_SQL["regular"]).fetchone()
    return None if row is None else str(row[0])


def last_titles(conn: psycopg.Connection, user_id: str, count: int) -> list[str]:
    """What the user turned to last, newest first; an item that is in no catalogue by its id."""
    return [str(row[0]) for row in conn.execute(_SQL["last_titles"], {"user_id": user_id, "count": count})]
