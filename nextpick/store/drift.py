"""Drift reports, and what a report needs to know besides the events themselves. Light: the Airflow page imports it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from nextpick.errors import StoreError
from nextpick.store import arrays, sql

WAIT_SECONDS = 900.0  # for another report to be made
ASK_SECONDS = 0.2
REPORT_LOCK = 0x64726674  # "drft": the advisory lock of whoever makes a report
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
_SQL = sql.load("drift")


@dataclass(frozen=True)
class Metric:
    """A row of `drift_metrics`; value, threshold and noise_floor are None where there were too few rows.

    `nights`: in a row that it has moved, this one included. `alarm`: whether people are told of it.
    """

    report_id: int
    column_name: str
    statistic: str
    value: float | None
    threshold: float | None
    noise_floor: float | None
    reference_n: int
    current_n: int
    verdict: str
    kind: str | None = None
    nights: int = 1
    alarm: bool = False


@dataclass(frozen=True)
class Report:
    """A row of `drift_reports` with its metrics, in its own order."""

    report_id: int
    as_of: datetime
    run_id: str
    current_start: datetime
    current_end: datetime
    reference_start: datetime
    reference_end: datetime
    release_id: int | None
    verdict: str
    reasons: list[str]
    path: str | None
    notified: str
    harm: str | None = None
    retrain: str | None = None
    taken: dict[str, tuple[int, int]] | None = None
    metrics: tuple[Metric, ...] = field(default=())

    @property
    def alarms(self) -> tuple[Metric, ...]:
        """The metrics that people are told of."""
        return tuple(metric for metric in self.metrics if metric.alarm)


@contextmanager
def alone(conn: psycopg.Connection) -> Iterator[None]:
    """While it lasts nobody else makes a report: of two at once the second finds what the first has told. `conn` is in
    no transaction; where it breaks, Postgres lets the next one in. Raises: StoreError after WAIT_SECONDS."""
    end = monotonic() + WAIT_SECONDS
    while not _locked(conn):  # asked again and again: a statement that waits holds up who detaches a partition
        if monotonic() >= end:
            raise StoreError(f"Another drift report is being made; waited {WAIT_SECONDS:g} s for it. Ask again.")
        sleep(ASK_SECONDS)
    try:
        yield
    finally:
        if not conn.closed and conn.info.transaction_status == TransactionStatus.IDLE:
            with conn.transaction():
                conn.execute(_SQL["unlock"], {"key": REPORT_LOCK})


def _locked(conn: psycopg.Connection) -> bool:
    with conn.transaction():
        row = conn.execute(_SQL["lock"], {"key": REPORT_LOCK}).fetchone()
    return bool(row and row[0])


@dataclass(frozen=True)
class Answer:
    """What drift needs of one impression: float32 scores (k,), k sources, float32 features (k * F,) or None."""

    answered_at: datetime
    release_id: int
    scores: Any
    sources: list[str]
    features: Any


def save(conn: psycopg.Connection, report: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> int:
    """Write the night's report in place of an earlier one, and return its id; the caller commits.

    `report` has the columns of `drift_reports` besides report_id and created_at, each of `metrics` those of
    `drift_metrics` besides report_id and place.
    """
    row = conn.execute(_SQL["save"], {**report, "taken": Jsonb(report["taken"])}).fetchone()
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives a row or raises
    report_id = int(row[0])
    conn.execute(_SQL["forget_metrics"], {"report_id": report_id})
    with conn.cursor() as cur:
        cur.executemany(
            _SQL["save_metric"],
            [{**metric, "report_id": report_id, "place": place} for place, metric in enumerate(metrics)],
        )
    return report_id


def mark_notified(conn: psycopg.Connection, report_id: int, notified: str) -> None:
    """Record who has been told."""
    conn.execute(_SQL["mark_notified"], {"report_id": report_id, "notified": notified})


def reports(conn: psycopg.Connection, limit: int, before: datetime = FOREVER) -> list[Report]:
    """The newest reports of nights before a moment, newest first."""
    return _read(conn, "reports", {"limit": limit, "before": before})


def heads(conn: psycopg.Connection, since: datetime, before: datetime) -> list[Report]:
    """The reports of nights of [since, before), newest first, without their metrics."""
    found = conn.cursor(row_factory=class_row(Report)).execute(_SQL["heads"], {"since": since, "before": before})
    return found.fetchall()


def measured(conn: psycopg.Connection, found: Sequence[Report]) -> list[Report]:
    """The same reports with their metrics."""
    ids = [report.report_id for report in found]
    metrics = conn.cursor(row_factory=class_row(Metric)).execute(_SQL["metrics"], {"report_ids": ids}).fetchall()
    return [replace(one, metrics=tuple(m for m in metrics if m.report_id == one.report_id)) for one in found]


def report(conn: psycopg.Connection, report_id: int) -> Report | None:
    """One report by its id."""
    return next(iter(_read(conn, "report", {"report_id": report_id})), None)


def report_of(conn: psycopg.Connection, as_of: datetime) -> Report | None:
    """The report of one night."""
    return next(iter(_read(conn, "report_of", {"as_of": as_of})), None)


def _read(conn: psycopg.Connection, query: str, parameters: Mapping[str, Any]) -> list[Report]:
    return measured(conn, conn.cursor(row_factory=class_row(Report)).execute(_SQL[query], parameters).fetchall())


def mark_requested(conn: psycopg.Connection, report_id: int) -> None:
    """Record that a report's request for a retraining is acted on; the caller commits."""
    conn.execute(_SQL["mark_requested"], {"report_id": report_id})


def retrain_requested(conn: psycopg.Connection, night: datetime) -> datetime | None:
    """The newest earlier night whose report had a retraining asked for, or None."""
    row = conn.execute(_SQL["retrain_requested"], {"night": night}).fetchone()
    return row[0] if row else None


def count(conn: psycopg.Connection, since: datetime, before: datetime) -> int:
    """How many nights of [since, before] have a report."""
    row = conn.execute(_SQL["count"], {"since": since, "before": before}).fetchone()
    return int(row[0]) if row else 0


def figures(conn: psycopg.Connection) -> tuple[Any, ...]:
    """For /metrics: the newest report's night, verdict, harm and measures, and how many alerts failed in a day."""
    row = conn.execute(_SQL["figures"]).fetchone()
    return row or (None, None, None, [], 0)


def newest_event(conn: psycopg.Connection, as_of: datetime) -> datetime | None:
    """When the newest event before a moment happened, or None where there is none."""
    row = conn.execute(_SQL["newest"], {"as_of": as_of}).fetchone()
    return row[0] if row else None


def older(conn: psycopg.Connection, what: str, ids: Sequence[str], kinds: Sequence[str], before: datetime) -> list[str]:
    """Those of some users or items (`what`: "user", "item") that had an event of these kinds before a moment."""
    values = {"ids": list(ids), "kinds": list(kinds), "before": before}
    return [row[0] for row in conn.execute(_SQL[f"older_{what}s"], values)] if values["ids"] else []


def newest_live_event(conn: psycopg.Connection, since: datetime, before: datetime) -> datetime | None:
    """When the newest event of [since, before) happened that came in as it happened, or None where there is none."""
    row = conn.execute(_SQL["newest_live"], {"since": since, "before": before}).fetchone()
    return row[0] if row else None


def live_events(conn: psycopg.Connection, since: datetime, before: datetime) -> int:
    """Events of [since, before) that came in as they happened, not in a bulk load of the past."""
    row = conn.execute(_SQL["live_events"], {"since": since, "before": before}).fetchone()
    return int(row[0]) if row else 0


def release_at(conn: psycopg.Connection, as_of: datetime) -> tuple[int, datetime | None] | None:
    """The release that was live at a moment and until when its model's training data reach, or None."""
    return conn.execute(_SQL["release_at"], {"as_of": as_of}).fetchone()


def answers(conn: psycopg.Connection, since: datetime, before: datetime, limit: int) -> list[Answer]:
    """A uniform sample of the answers of [since, before), the same one every time."""
    arrays.register(conn)
    cur = conn.cursor(binary=True, row_factory=class_row(Answer))
    return cur.execute(_SQL["answers"], {"since": since, "before": before, "limit": limit}).fetchall()


def feature_names(conn: psycopg.Connection) -> dict[int, tuple[str, ...]]:
    """By release, the names of the features its answers were logged with, where the release tells."""
    return {row[0]: tuple(row[1]) for row in conn.execute(_SQL["features"])}
