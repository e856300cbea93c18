"""A person says whether a challenger is promoted: real DAG, real answers through Airflow's API."""

import logging
import shutil
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from nextpick import registry
from nextpick.settings import load_settings
from tests.orchestrated import run, states
from tests.published import Version
from tests.slack_server import Slack

STAGES = ("dvc.data_prep", "dvc.train_collab", "dvc.train_ranker", "dvc.evaluate")
Answer = Callable[[Callable[[Any], None]], None]
PATH = "/api/v2/dags/retrain/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"


@pytest.fixture
def retrain(home: Path, tmp_path: Path, version: Version) -> Callable[..., Any]:
    """Runs retrain, its stages having made a good challenger; a person is to approve what the gate lets pass."""
    folder = tmp_path / "run"
    shutil.copytree(version.bundle_dir.parents[1], folder)
    with (folder / "params.yaml").open("a") as params:
        params.write("\npromotion: {mode: approve}\n")

    def register(folder: str) -> str:
        lineage = {"run_id": "retrain.r1"}
        return registry.register(load_settings(), Path(folder), version.bundle_sha256, lineage).version

    made = {"checkout": lambda: str(folder), "register": register, **dict.fromkeys(STAGES, lambda *_: True)}
    return partial(run, "retrain", instead=made)


@pytest.fixture
def when_asked(monkeypatch: pytest.MonkeyPatch) -> Answer:
    """What happens to the waiting task, once, while dag.test() would sleep; were it to sleep again the test fails."""
    real = time.sleep

    def once(act: Callable[[Any], None]) -> None:
        acts = [act]

        def sleep(seconds: float) -> None:
            if sys._getframe(1).f_globals["__name__"] != "airflow.sdk.definitions.dag":
                return real(seconds)
            assert acts, "the run goes on waiting"
            return acts.pop()(waiting())

        monkeypatch.setattr(time, "sleep", sleep)

    return once


def waiting() -> Any:
    """The task instance that waits."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(TaskInstance).filter_by(state="awaiting_input").one()
        session.expunge_all()
    return found


def answering(airflow: Any, chosen: str, because: str, seen: list[Any] | None = None) -> Callable[[Any], None]:
    """A person who looks at the question, and answers through the API as the page does."""

    def act(instance: Any) -> None:
        client = TestClient(airflow)
        token = client.post("/auth/token", json={"username": "admin", "password": "a"}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        path = PATH.format(run_id=instance.run_id)
        if seen is not None:
            seen.append(client.get(path).json())
        said = {"chosen_options": [chosen], "params_input": {"because": because}}
        response = client.patch(path, json=said)
        assert response.status_code == 200, response.text

    return act


def test_a_person_sees_the_gates_reasons_and_approves(
    retrain: Callable[..., Any], when_asked: Answer, airflow: Any, slack: Slack
) -> None:
    seen: list[Any] = []
    when_asked(answering(airflow, "Approve", "looks right", seen))
    finished = retrain()
    assert states(finished).items() >= {"approve": "success", "promote": "success", "refused": "skipped"}.items()
    champion = registry.champion(load_settings())
    assert champion is not None
    assert (champion.answer, champion.forced) == ("approved, admin: looks right", "")
    assert seen[0]["subject"] == "Version 1 passed the gate. Shall it be the champion?"
    assert "better than the popular list" in seen[0]["body"]
    (message,) = slack.messages
    assert "Version 1 passed the gate. Approve or reject it within 20 hours" in message["text"]
    assert f"/dags/retrain/runs/{finished.run_id.replace(':', '%3A')}" in message["text"].replace("%2B", "+")


def test_a_person_refuses_and_is_not_asked_again(
    retrain: Callable[..., Any], when_asked: Answer, airflow: Any, slack: Slack
) -> None:
    when_asked(answering(airflow, "Reject", "nothing but tea"))
    finished = retrain()
    assert str(finished.state) == "success"
    assert states(finished).items() >= {"approve": "success", "promote": "skipped", "refused": "success"}.items()
    (version,) = registry.newest(load_settings(), 10)
    assert (version.rejected, version.aliases) == ("admin refused it: nothing but tea", frozenset())
    assert "Version 1 passed the gate, but admin refused it: nothing but tea. The champion stays." in slack.texts()
    again = retrain()
    assert states(again).items() >= {"approve": "skipped", "refused": "success"}.items()


def test_without_an_answer_in_time_the_champion_stays_and_one_may_ask_again(
    retrain: Callable[..., Any], when_asked: Answer, airflow: Any, slack: Slack
) -> None:
    when_asked(lambda instance: let_time_pass(instance, timedelta(hours=20, minutes=1)))
    finished = retrain()
    assert str(finished.state) == "success"
    assert states(finished).items() >= {"approve": "success", "promote": "skipped", "refused": "success"}.items()
    (version,) = registry.newest(load_settings(), 10)
    assert (version.answer, version.rejected) == ("refused, nobody answered in time", "")
    assert "nobody answered in time" in slack.texts()
    when_asked(answering(airflow, "Approve", ""))
    assert states(retrain())["promote"] == "success"
    (version,) = registry.newest(load_settings(), 10)
    assert (version.answer, version.is_champion) == ("approved, admin", True)


def let_time_pass(instance: Any, time: timedelta) -> None:
    """Move the end of the waiting, and let the scheduler look, as it does every 15 s."""
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        session.get(TaskInstance, instance.id).trigger_timeout -= time
    scheduler = SimpleNamespace(log=logging.getLogger("scheduler"))  # a real one would make the DVC pool as it starts
    SchedulerJobRunner.check_awaiting_input_timeouts(scheduler)


def test_who_begins_a_run_with_a_reason_has_decided_and_nobody_is_asked(
    retrain: Callable[..., Any], when_asked: Answer
) -> None:
    finished = retrain(promote_because="the board has seen it")
    assert states(finished).items() >= {"approve": "skipped", "promote": "success"}.items()
    champion = registry.champion(load_settings())
    assert champion is not None
    assert champion.answer == "approved, dag_test: the board has seen it"
