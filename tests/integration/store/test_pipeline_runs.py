"""How runs ended: of each DAG the last, and when it last succeeded."""

from datetime import UTC, datetime, timedelta

import psycopg

from nextpick.store import pipeline_runs
from nextpick.store.pipeline_runs import Last

BEGUN = datetime(2025, 11, 12, 2, tzinfo=UTC)


def ended(conn: psycopg.Connection, run_id: str, at: datetime) -> None:
    conn.execute("UPDATE nextpick.runs SET ended_at = %s WHERE run_id = %s", (at, run_id))


def test_the_last_run_of_each_dag_is_told_with_its_last_success(conn: psycopg.Connection) -> None:
    pipeline_runs.record(conn, "retrain", "one", "success", BEGUN)
    ended(conn, "one", BEGUN + timedelta(hours=1))
    pipeline_runs.record(conn, "retrain", "two", "failed")
    ended(conn, "two", BEGUN + timedelta(days=1))
    pipeline_runs.record(conn, "tune", "three", "failed", BEGUN)
    ended(conn, "three", BEGUN)
    assert pipeline_runs.last(conn) == [
        Last("retrain", "failed", None, BEGUN + timedelta(days=1), BEGUN + timedelta(hours=1)),
        Last("tune", "failed", BEGUN, BEGUN, None),
    ]


def test_a_run_that_is_cleared_and_run_again_is_told_anew(conn: psycopg.Connection) -> None:
    pipeline_runs.record(conn, "retrain", "one", "failed", BEGUN)
    pipeline_runs.record(conn, "retrain", "one", "success", BEGUN)
    (found,) = pipeline_runs.last(conn)
    assert (found.outcome, found.succeeded_at) == ("success", found.ended_at)


def test_what_is_long_over_goes_but_for_the_last_of_each_outcome(conn: psycopg.Connection) -> None:
    old = datetime.now(UTC) - timedelta(days=500)
    for n, outcome in enumerate(("success", "success", "failed")):
        pipeline_runs.record(conn, "tune", str(n), "success" if outcome == "success" else "failed")
        ended(conn, str(n), old + timedelta(days=n))
    pipeline_runs.record(conn, "retrain", "new", "success")
    left = [row[0] for row in conn.execute("SELECT run_id FROM nextpick.runs ORDER BY run_id")]
    assert left == ["1", "2", "new"]
