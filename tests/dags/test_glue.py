"""The glue between Airflow and the library."""

import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nextpick.errors import ConfigError
from tests import orchestrated

NIGHT = datetime(2025, 11, 24, 2, tzinfo=UTC)


@pytest.fixture
def window(bag: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module under test, with a context to fill."""
    from nextpick_airflow import window

    context: dict[str, Any] = {"params": {}}
    monkeypatch.setattr(window, "get_current_context", lambda: context)
    window_with = SimpleNamespace(module=window, context=context)
    begun(window_with, None)
    return window_with


def begun(window: Any, logical_date: datetime | None) -> None:
    window.context["dag_run"] = SimpleNamespace(
        dag_id="data_prep", run_id="manual__1", logical_date=logical_date, run_after=NIGHT + timedelta(hours=1)
    )


def test_a_scheduled_run_speaks_for_its_scheduled_time_however_late_it_begins(window: Any) -> None:
    begun(window, NIGHT)
    assert window.module.moment("cutoff") == NIGHT


def test_a_run_begun_by_hand_or_by_an_asset_speaks_for_the_moment_it_was_asked_for(window: Any) -> None:
    assert window.module.moment("cutoff") == NIGHT + timedelta(hours=1)


@pytest.mark.parametrize("given", ["2025-11-20T12:00:00+00:00", "2025-11-20T13:00:00+01:00", "2025-11-20T12:00:00Z"])
def test_a_param_wins_and_is_understood_in_its_zone(window: Any, given: str) -> None:
    begun(window, NIGHT)
    window.context["params"]["cutoff"] = given
    assert window.module.moment("cutoff") == datetime(2025, 11, 20, 12, tzinfo=UTC)


def test_a_param_without_a_zone_is_utc(window: Any) -> None:
    window.context["params"]["cutoff"] = "2025-11-20 12:00"
    assert window.module.moment("cutoff") == datetime(2025, 11, 20, 12, tzinfo=UTC)


def test_a_moment_is_utc_whatever_zone_airflow_shows(window: Any) -> None:
    begun(window, NIGHT.astimezone(timezone(timedelta(hours=9))))
    assert window.module.moment("cutoff").tzinfo is UTC


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2025-12-24T02:00:00Z", "2025-12-24 02:00 UTC, which has yet to come"),
        ("last week", "'last week'. Write a moment"),
    ],
)
def test_a_future_moment_or_none_at_all_is_refused_with_the_remedy(window: Any, given: str, message: str) -> None:
    window.context["params"]["cutoff"] = given
    with pytest.raises(ConfigError, match=message):
        window.module.moment("cutoff")


def test_a_runs_name_tells_its_dag(window: Any) -> None:
    assert window.module.run_id() == "data_prep.manual__1"


@pytest.fixture
def slots(bag: Any) -> Any:
    """Reads and sets the size of the pool; it is gone afterwards."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    def size(new: int | None = None) -> int | None:
        with create_session() as session:
            found = Pool.get_pool("dvc", session=session)
            if found is not None and new is not None:
                found.slots = new
            return found.slots if found else None

    yield size
    with create_session() as session:
        session.delete(Pool.get_pool("dvc", session=session))


def test_a_starting_component_makes_the_pool_and_leaves_one_that_was_resized(slots: Any) -> None:
    from airflow.jobs.job import Job

    assert slots() is None
    Job()
    assert slots() == 1
    slots(2)
    Job()
    assert slots() == 2


def test_a_starting_task_leaves_the_database_alone(bag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.listeners.listener import get_listener_manager
    from airflow.sdk.execution_time.task_runner import TaskRunnerMarker

    monkeypatch.setattr("airflow.utils.session.create_session", lambda: pytest.fail("the database was opened"))
    get_listener_manager().hook.on_starting(component=TaskRunnerMarker())


def test_airflow_loads_the_plugin_and_leaves_the_glue_alone(bag: Any) -> None:
    from airflow import plugins_manager

    plugins, _ = plugins_manager._get_plugins()
    assert "nextpick" in {plugin.name for plugin in plugins}
    assert plugins_manager.get_import_errors() == {}
    strangers = {
        "assets",
        "alerts",
        "approval",
        "database",
        "defaults",
        "dvc_stages",
        "forms",
        "pool",
        "promotion",
        "skipping",
        "window",
    }
    assert strangers & set(sys.modules) == set()


def test_a_missed_deadline_is_told_by_dag_and_run(bag: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from nextpick.drift import slack
    from nextpick_airflow import alerts

    told: list[object] = []
    monkeypatch.setattr(slack, "send", lambda settings, message: told.append(message))
    alerts.late(context={"dag_run": {"dag_id": "retrain", "dag_run_id": "manual__1"}, "deadline": {"id": "x"}})
    assert told == [":hourglass: retrain is not done in time: manual__1"]


def test_a_task_that_is_skipped_says_why_before_airflow_folds_it_away(bag: Any) -> None:
    import structlog
    from airflow.sdk.exceptions import AirflowSkipException

    from nextpick_airflow.skipping import skip

    with structlog.testing.capture_logs() as logged, pytest.raises(AirflowSkipException, match="no champion yet"):
        skip("There is no champion yet.")
    assert [line["event"] for line in logged] == ["There is no champion yet."]


@pytest.mark.parametrize(("mode", "hours"), [("auto", 0), ("approve", 30)])
def test_a_run_may_last_longer_by_the_time_a_person_has(
    bag: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, hours: int
) -> None:
    from nextpick_airflow.defaults import defaults
    from nextpick_airflow.promotion import longest_wait

    project = orchestrated.small_project(tmp_path / "project", promotion={"mode": mode, "wait_hours": 30})
    monkeypatch.setenv("NEXTPICK_PROJECT", str(project))
    arguments = defaults(timedelta(hours=3), waiting=longest_wait())
    assert arguments["deadline"].interval == timedelta(hours=3 + hours)
    assert arguments["dagrun_timeout"] == timedelta(hours=6 + hours)
    assert arguments["default_args"]["execution_timeout"] == timedelta(hours=3)
