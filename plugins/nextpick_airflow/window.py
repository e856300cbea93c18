"""Which moment a run speaks for, what it is called, and who wants it, however it began."""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import CronTriggerTimetable, get_current_context
from pendulum import duration

from nextpick.errors import ConfigError


def nightly(cron: str) -> CronTriggerTimetable:
    """Once a night, UTC. A DAG that has never run waits for its first night; later one missed night is caught up."""
    return CronTriggerTimetable(cron, timezone="UTC", run_immediately=duration(0))


def param(name: str) -> Any:
    """What the form of this run says, or None where the DAG has no such field."""
    return get_current_context()["params"].get(name)


def moment(name: str) -> datetime:
    """The run's moment, UTC: the param where it is given, else the scheduled time, else when the run was asked for.

    A retry of the run gets the same one. Raises: ConfigError where the param is no moment, or a future one.
    """
    run = get_current_context()["dag_run"]
    now = (run.logical_date or run.run_after).astimezone(UTC)
    asked = param(name)
    if not asked:
        return now
    try:
        given = datetime.fromisoformat(str(asked))
    except ValueError:
        raise ConfigError(f"The param {name} is {asked!r}. Write a moment such as 2025-11-24T02:00:00+00:00.") from None
    given = given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)
    if given > run.run_after:
        raise ConfigError(f"The param {name} is {given:%Y-%m-%d %H:%M} UTC, which has yet to come. Leave it empty.")
    return given


def who() -> str:
    """Who began the run: the user, or `airflow` where a schedule or an asset did."""
    return str(get_current_context()["dag_run"].triggering_user_name or "airflow")


def run_id() -> str:
    """The run's name, unique among all DAGs' runs; a retry keeps it."""
    run = get_current_context()["dag_run"]
    return f"{run.dag_id}.{run.run_id}"
