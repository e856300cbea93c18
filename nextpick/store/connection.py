"""Connections to the nextpick database."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from nextpick.errors import StoreError

CONNECT_SECONDS = 10
_UNREADABLE = "The database URL cannot be read. Write it as postgresql://user:password@host:port/name."
REMEDY = "Is it running (`make run` starts one), and is NEXTPICK_DATABASE_URL right?"


def connect(url: str, *, autocommit: bool = False, remedy: str = REMEDY) -> psycopg.Connection:
    """An open connection whose session speaks UTC; the caller closes it, best by `with`.

    `remedy` ends the message where it cannot be opened.

    Raises: StoreError naming host, port, database and role, never the password.
    """
    try:
        return psycopg.connect(
            url,
            autocommit=autocommit,
            connect_timeout=CONNECT_SECONDS,
            application_name="nextpick",
            options="-c TimeZone=UTC",
        )
    except psycopg.ProgrammingError:
        raise StoreError(_UNREADABLE) from None
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise StoreError(f"Cannot connect to Postgres at {place(url)}: {reason}. {remedy}") from None


def place(url: str) -> str:
    """Where a URL leads, without what opens the door: `role@host:port/name`. Raises: StoreError where it is none."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise StoreError(_UNREADABLE) from None
    host, port = parts.get("host", "localhost"), parts.get("port", 5432)
    return f"{parts.get('user', '(no role)')}@{host}:{port}/{parts.get('dbname', '')}"
