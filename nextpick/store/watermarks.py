"""Watermarks: up to when each source has been fetched."""

from datetime import datetime

import psycopg

from nextpick.store import sql

_SQL = sql.load("watermarks")


def read(conn: psycopg.Connection, source: str) -> datetime | None:
    """The time of the newest event fetched from a source, or None before the first fetch."""
    row = conn.execute(_SQL["read"], {"source": source}).fetchone()
    return row[0] if row else None


def advance(conn: psycopg.Connection, source: str, watermark: datetime) -> None:
    """Move a watermark on, never back; in the transaction that writes the events, which the caller commits."""
    conn.execute(_SQL["advance"], {"source": source, "watermark": watermark})
