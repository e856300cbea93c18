"""What goes in Postgres: whole months of events and answers, old generations, rejected rows; and what strayed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import psycopg

from nextpick.keeping.folders import strays
from nextpick.keeping.freed import Freed
from nextpick.release.publish import drop
from nextpick.store import alerts, erasure, events, partitions, releases, retention
from nextpick.store.transactions import with_lock_retry

PATIENCE_SECONDS = 60.0  # for a publish to end


def months_ahead(conn: psycopg.Connection, now: datetime, dry: bool) -> Freed:
    """Partitions for the coming months; rows that went to a DEFAULT partition go where they belong, and are told of."""
    freed = Freed()
    for table in partitions.KEYS:
        if not dry:
            _in_one_step(conn, partial(partitions.ensure, conn, table, now), f"make partitions of {table}")
        found = retention.astray(conn, table)
        if not found:
            continue
        count, months = sum(found.values()), ", ".join(f"{month:%Y-%m}" for month in list(found)[:12])
        freed.alarms.append(f"{count} rows were in {table}_default, which should be empty: of {months}")
        if not dry:
            _in_one_step(conn, partial(partitions.make, conn, table, list(found)), f"empty {table}_default")
            freed.add(f"moved {count} rows out of {table}_default")
    return freed


def old_months(conn: psycopg.Connection, table: str, days: int | None, now: datetime, dry: bool) -> Freed:
    """Whole months of `table` that lie more than `days` before the newest event, or before now if that is earlier."""
    freed = Freed()
    newest = events.newest(conn)
    if days is None or newest is None:
        return freed
    before = min(now, newest) - timedelta(days=days)
    for partition, size in retention.old_months(conn, table, before):
        if not dry:
            retention.drop_month(conn, table, partition)
        freed.add(partition, size)
    return freed


def generations(conn: psycopg.Connection, keep: int, horizon: datetime, dry: bool) -> Freed:
    """Lists of releases beyond those that can be gone back to, and those from before `horizon`."""
    freed = Freed()
    with releases.publish_lock(conn, PATIENCE_SECONDS):
        for release_id, size in retention.beyond(conn, keep, horizon).items():
            if not dry:
                drop(conn, release_id)
            freed.add(f"the lists of release {release_id}", size)
    return freed


def quarantine(conn: psycopg.Connection, days: int, now: datetime, dry: bool) -> Freed:
    """Rows that loads could not use."""
    before = now - timedelta(days=days)
    return _rows("rejected rows", retention.quarantined(conn, before), retention.forget_quarantined, conn, before, dry)


def told(conn: psycopg.Connection, days: int, now: datetime, dry: bool) -> Freed:
    """The record of old alerts."""
    before = now - timedelta(days=days)
    return _rows("alerts", alerts.old(conn, before), alerts.forget, conn, before, dry)


def reports(conn: psycopg.Connection, folder: Path, days: int, now: datetime, dry: bool) -> Freed:
    """HTML of drift reports below `folder`; the row is changed last, so that a crash leaves work and no orphan. And
    what reports that were killed have left there."""
    freed = Freed()
    for path in retention.reports(conn, now - timedelta(days=days)):
        file = folder / path
        size = file.stat().st_size if file.exists() else 0
        if not dry:
            file.unlink(missing_ok=True)
            if file.parent.is_dir() and not any(file.parent.iterdir()):
                file.parent.rmdir()
            retention.forget_report(conn, path)
        freed.add(f"report {path}", size)
    return freed.also(strays(folder, retention.report_paths(conn), now, dry))


def erased(conn: psycopg.Connection, dry: bool) -> Freed:
    """What came in of erased users while they were being erased."""
    freed = Freed()
    if dry:
        return freed
    with conn.transaction():
        for what, rows in erasure.sweep(conn).items():
            if rows:
                freed.add(f"{rows} {what} of erased users")
    return freed


def _in_one_step(conn: psycopg.Connection, make: Callable[[], int], what: str) -> None:
    def step() -> None:
        with conn.transaction():
            make()

    with_lock_retry(conn, step, what)


def _rows(
    what: str,
    found: tuple[int, int],
    forget: Callable[[psycopg.Connection, datetime], None],
    conn: psycopg.Connection,
    before: datetime,
    dry: bool,
) -> Freed:
    """So many rows, and their bytes, of before a moment."""
    freed = Freed()
    if found[0]:
        if not dry:
            forget(conn, before)
        freed.add(f"{found[0]} {what}", found[1])
    return freed
