"""What came of answers, counted day by day into small tables: nobody who only looks reads all answers again."""

from datetime import UTC, date, datetime, time, timedelta

import psycopg
from psycopg.rows import class_row

from nextpick.kpis import Arm, Counts
from nextpick.store import sql

WITHIN = timedelta(days=1)  # of an answer something has to happen to count as come of it
SETTLED = timedelta(days=2, hours=1)  # from a day's begin; then nothing can come any more but what came in late
KINDS = 10  # of events that have figures of their own, a day
RELEASES = 20  # that are told apart
MOST = 1e9  # a value beyond is a mistake
COUNT_LOCK = 0x6B706973  # "kpis"
_SQL = sql.load("kpis")


def count(conn: psycopg.Connection, now: datetime, days: int, fresh: timedelta = timedelta(0)) -> int:
    """Count the last `days` days anew that may have changed, and were not counted within `fresh`; today is one.

    Returns how many were counted: none where another is at it. `conn` is in no transaction.
    """
    today = now.astimezone(UTC).date()
    with conn.transaction():
        conn.execute(_SQL["leave"])
        (mine,) = conn.execute(_SQL["lock"], {"key": COUNT_LOCK}).fetchone() or (False,)
        if not mine:
            return 0
        first = today - timedelta(days=days - 1)
        asked = {"first": first, "last": today, "late": now - fresh, "settled": SETTLED}
        due = [row[0] for row in conn.execute(_SQL["due"], asked)]
        for day in due:
            _count(conn, day, now)
    return len(due)


def _count(conn: psycopg.Connection, day: date, now: datetime) -> None:
    since = datetime.combine(day, time(), UTC)
    asked = {"day": day, "since": since, "before": since + timedelta(days=1), "within": WITHIN}
    conn.execute(_SQL["forget"], {"day": day, "now": now})
    conn.execute(_SQL["count_answers"], asked)
    conn.execute(_SQL["count_users"], asked)
    conn.execute(_SQL["count_taken"], {**asked, "kinds": KINDS, "most": MOST})


def read(conn: psycopg.Connection, first: date, last: date) -> list[Counts]:
    """What was counted of these days, both included: a row a kind of event, and one of kind "" where there was none."""
    cur = conn.cursor(row_factory=class_row(Counts))
    return cur.execute(_SQL["counts"], {"first": first, "last": last, "most": RELEASES}).fetchall()


def arms(conn: psycopg.Connection, day: date) -> list[Arm]:
    """What the live variants should have had of a day's users, and had; none where one was not there all day."""
    return conn.cursor(row_factory=class_row(Arm)).execute(_SQL["arms"], {"day": day}).fetchall()
