"""Runs that have not ended, and runs that did nothing, are told on the page NextPick."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from nextpick.store import pipeline_runs
from nextpick_airflow import airflow_runs, home
from tests.dags.pages import ODD, signed_in

HOME = f"{home.URL_PREFIX}/"
NOW = datetime.now(UTC)


@pytest.fixture
def viewer(airflow: Any, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    return signed_in(airflow)


def test_of_the_runs_of_a_dag_the_one_that_runs_longest_is_under_way(airflow: Any) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        for name, state, minutes in (("a", "queued", 9), ("b", "running", 5), ("c", "running", 3), ("d", "failed", 7)):
            at = NOW - timedelta(minutes=minutes)
            session.add(
                DagRun("tune", run_id=name, state=state, run_type="manual", run_after=at, start_date=at, queued_at=at)
            )
    try:
        begun = airflow_runs.under_way(["tune", "split"])
        assert begun == {"tune": airflow_runs.Begun("running", NOW - timedelta(minutes=5))}
        assert airflow_runs.undone(["tune"]) == {}
    finally:
        with create_session() as session:
            session.query(DagRun).filter(DagRun.dag_id == "tune").delete()


def test_a_run_under_way_is_told_and_that_it_is_the_first(
    viewer: TestClient, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = {"data_prep": airflow_runs.Begun("running", datetime.now(UTC) - timedelta(minutes=3))}
    monkeypatch.setattr(airflow_runs, "under_way", lambda dags: begun)
    page = viewer.get(HOME).text
    assert page.count("no run has ended yet") == len(home.FORMS) - 1
    for part in ("Under way:", "<strong>running</strong>", "3 minutes ago", "its first run is under way"):
        assert part in page
    pipeline_runs.record(conn, "data_prep", "a", "success", NOW)
    conn.commit()
    monkeypatch.setattr(airflow_runs, "undone", lambda dags: {"data_prep": ODD})
    page = viewer.get(HOME).text
    assert "its first run" not in page
    assert "<strong>running</strong>" in page
    assert "nothing was done: &lt;img" in page
