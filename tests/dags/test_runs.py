"""The DAGs run, and not all goes well: real tasks, Postgres, MLflow and DVC, the world of tests/published.py."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nextpick import registry
from nextpick.settings import load_settings
from nextpick.store import events, items, snapshots
from nextpick_airflow import airflow_runs
from tests.orchestrated import ROOT, returned, run, small_project, states
from tests.published import catalogue, interactions
from tests.slack_server import Slack

STAGES = dict.fromkeys(("dvc.data_prep", "dvc.train_collab", "dvc.train_ranker", "dvc.evaluate"), "success")


@pytest.fixture
def dull(world: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot, and parameters with which the model can do no better than the popular list."""
    stump = {"trees": 1, "leaves": 2, "learning_rate": 0.1, "min_child_samples": 10**6, "negatives_per_positive": 1}
    project = small_project(tmp_path / "dull", pool={"popular": 50}, ranker=stump)
    monkeypatch.setenv("NEXTPICK_PROJECT", str(project))
    run("data_prep")


def test_before_the_first_champion_there_is_nothing_to_publish_and_nothing_fails(home: Path) -> None:
    finished = run("precompute")
    assert set(states(finished).values()) == {"skipped"}
    said = "There is no champion yet: the first promotion starts this DAG again."
    assert airflow_runs.undone(["precompute"]) == {"precompute": said}
    assert airflow_runs.under_way(["precompute"]) == {}


def test_a_snapshot_tells_those_who_wait_for_it_which_it_is(world: psycopg.Connection) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    finished = run("data_prep", cutoff="2025-11-01T00:00:00Z")
    snapshot = snapshots.newest(world)
    assert snapshot is not None
    before = interactions()["occurred_at"] < "2025-11-01"
    assert (snapshot.events, snapshot.cutoff) == (before.sum(), datetime(2025, 11, 1, tzinfo=UTC))
    assert returned(finished, "export") == snapshot.raw_md5
    with create_session() as session:
        told = session.query(AssetEvent).filter_by(source_run_id=finished.run_id).one()
        assert told.extra == {"raw_md5": snapshot.raw_md5}


def test_bad_data_fail_at_once_and_somebody_hears_why(home: Path, conn: psycopg.Connection, slack: Slack) -> None:
    items.upsert(conn, catalogue())
    events.insert(conn, interactions().tail(20))
    conn.commit()
    run("data_prep")
    finished = run("retrain", retries=2)
    assert finished.state == "failed"
    assert states(finished)["dvc.data_prep"] == "failed"
    assert finished.get_task_instance("dvc.data_prep").try_number == 1
    assert states(finished)["register"] == "upstream_failed"
    assert len(slack.messages) == 1
    assert "dvc.data_prep failed" in slack.texts()
    assert "There are no interactions before the label window" in slack.texts()


def test_a_refused_challenger_is_seen_to_be_refused_and_nothing_crashes(dull: None, slack: Slack) -> None:
    finished = run("retrain")
    others = dict.fromkeys(("checkout", "register", "gate", "analyst_report"), "success")
    assert states(finished) == {**others, **STAGES, "approve": "skipped", "promote": "skipped", "refused": "success"}
    assert registry.champion(load_settings()) is None
    (version,) = registry.newest(load_settings(), 10)
    assert (version.gate, version.aliases) == ("refused", {"challenger"})
    assert "not shown to be better than the popular list" in version.reasons[0]
    assert "The gate refused version 1" in slack.texts()
    assert "not shown to be better than the popular list" in slack.texts()


def test_a_person_may_overrule_the_gate_and_the_reason_is_kept(dull: None) -> None:
    finished = run("retrain", promote_because="a demonstration for the board")
    assert states(finished)["promote"] == "success"
    champion = registry.champion(load_settings())
    assert champion is not None
    assert (champion.gate, champion.forced) == ("refused", "a demonstration for the board")
    assert champion.answer == "approved, dag_test: a demonstration for the board"


def test_a_killed_retrain_converges_when_it_is_tried_again(
    world: psycopg.Connection, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_PROJECT", str(small_project(tmp_path / "other", seed=43)))
    run("data_prep")
    at = datetime(2025, 11, 24, 2, tzinfo=UTC)
    killed(at, tmp_path, when="Running stage 'train_ranker'")
    (folder,) = (home / "runs").glob("retrain.*")
    finished = run("retrain", at=at)
    assert finished.state == "success"
    assert [stage for stage in STAGES if not returned(finished, stage)] == ["dvc.train_ranker", "dvc.evaluate"]
    assert [version.version for version in registry.newest(load_settings(), 10)] == ["1"]
    assert list((home / "runs").glob("retrain.*")) == [folder]
    assert [path.name for path in (home / "runs").glob(".*")] == []


def killed(at: datetime, folder: Path, when: str) -> None:
    """A worker with an Airflow of its own that runs retrain until it says `when`, and is killed then."""
    code = (
        "from pathlib import Path; from datetime import datetime; from tests import orchestrated\n"
        f"orchestrated.make_home(Path({str(folder / 'airflow')!r}))\n"
        f"orchestrated.run('retrain', at=datetime.fromisoformat({at.isoformat()!r}))"
    )
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        for line in worker.stdout:
            if when in line:
                worker.send_signal(signal.SIGKILL)
                break
        assert worker.wait() == -signal.SIGKILL
