"""How the runs of the DAGs ended."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import psycopg
from psycopg.rows import class_row

from nextpick.store import sql

KEPT = timedelta(days=400)
Outcome = Literal["success", "failed"]
_SQL = sql.load("pipeline_runs")


@dataclass(frozen=True)
class Last:
    """A DAG's last run; `started_at` is None where Airflow did not say, `succeeded_at` where no run ever did."""

    dag: str
    outcome: Outcome
    started_at: datetime | None
    ended_at: datetime
    succeeded_at: datetime | None


def record(
    conn: psycopg.Connection, dag: str, run_id: str, outcome: Outcome, started_at: datetime | None = None
) -> None:
    """A run has ended just now; the caller commits. What is long over goes."""
    conn.execute(_SQL["record"], {"dag": dag, "run_id": run_id, "outcome": outcome, "started_at": started_at})
    conn.execute(_SQL["forget"], {"before": datetime.now(UTC) - KEPT})


def last(conn: psycopg.Connection) -> list[Last]:
    """The last run of each DAG, by its name."""
    return conn.cursor(row_factory=class_row(Last)).execute(_SQL["last"]).fetchall()
