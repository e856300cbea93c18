"""Bundles that were live and were gone back from, by their sha256. What MLflow says of them follows from here."""

import psycopg

from nextpick.store import sql
from nextpick.store.standings import Standing

_SQL = sql.load("rejections")


def add(conn: psycopg.Connection, left: Standing, *, who: str, reason: str) -> None:
    """Reject the bundle of a release that is gone back from; the caller commits."""
    about = {"bundle_sha256": left.bundle_sha256, "model_version": left.model_version}
    conn.execute(_SQL["add"], {**about, "release_id": left.release_id, "who": who, "reason": reason})


def lift(conn: psycopg.Connection, bundle_sha256: str) -> str:
    """End a rejection and return who said it and why, or nothing where there was none; the caller commits."""
    row = conn.execute(_SQL["lift"], {"bundle_sha256": bundle_sha256}).fetchone()
    return f"{row[0]}: {row[1]}" if row else ""


def every(conn: psycopg.Connection) -> dict[str, str]:
    """Each rejected bundle's sha256, and who rejected it and why."""
    return dict(conn.execute(_SQL["all"]).fetchall())
