"""How a run of a DAG ended is in NextPick's own database."""

import psycopg
import pytest

from nextpick.store import pipeline_runs
from tests.orchestrated import run


def test_a_run_that_succeeds_and_one_that_fails_are_recorded_with_their_begin(
    world: psycopg.Connection,
) -> None:
    finished = run("housekeeping")
    (good,) = pipeline_runs.last(world)
    assert (good.dag, good.outcome, good.succeeded_at) == ("housekeeping", "success", good.ended_at)
    assert good.started_at == finished.start_date
    run("rollback", because="there is nothing to go back to")
    found = {one.dag: one for one in pipeline_runs.last(world)}
    assert (found["rollback"].outcome, found["rollback"].succeeded_at) == ("failed", None)


def test_runs_of_other_peoples_dags_are_theirs(world: psycopg.Connection) -> None:
    from types import SimpleNamespace

    from nextpick_airflow import runs

    theirs = SimpleNamespace(tags={"theirs"})
    runs.on_dag_run_failed(SimpleNamespace(dag_id="etl", run_id="r", start_date=None, get_dag=lambda: theirs))
    assert pipeline_runs.last(world) == []


def test_a_database_that_is_away_costs_no_more_than_a_line_in_the_log(
    home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    import structlog

    from nextpick_airflow import runs

    ours = SimpleNamespace(tags={"nextpick"})
    monkeypatch.setenv("AIRFLOW_CONN_NEXTPICK_DB", "postgresql://x@127.0.0.1:1/none")
    with structlog.testing.capture_logs() as logged:
        runs.on_dag_run_success(SimpleNamespace(dag_id="tune", run_id="r", start_date=None, get_dag=lambda: ours))
    assert [line["event"] for line in logged] == ["the end of a run is not recorded"]


def test_a_database_that_hangs_holds_the_scheduler_up_a_few_times_and_no_more(
    home: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket
    from types import SimpleNamespace

    import structlog

    from nextpick_airflow import runs

    ours = SimpleNamespace(tags={"nextpick"})
    monkeypatch.setattr(runs, "WAIT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, structlog.testing.capture_logs() as logged:
        port = silent.getsockname()[1]
        monkeypatch.setenv("AIRFLOW_CONN_NEXTPICK_DB", f"postgresql://x@127.0.0.1:{port}/none")
        for n in range(5):
            runs.on_dag_run_failed(SimpleNamespace(dag_id="tune", run_id=str(n), start_date=None, get_dag=lambda: ours))
        assert [(line["run"], line["why"]) for line in logged] == [(n, "the database hangs") for n in ("3", "4")]
    for _, one in runs._hanging:  # it has hung up
        one.join(30)
    with structlog.testing.capture_logs() as logged:
        monkeypatch.setenv("AIRFLOW_CONN_NEXTPICK_DB", "postgresql://x@127.0.0.1:1/none")
        runs.on_dag_run_failed(SimpleNamespace(dag_id="tune", run_id="5", start_date=None, get_dag=lambda: ours))
        assert "the database hangs" not in [line["why"] for line in logged]  # it is tried again
