"""What a person must hear of: in Slack where that is set up, in the log in any case."""

from datetime import timedelta
from typing import Any

from nextpick_airflow.database import connection


def failed(context: Any) -> None:
    """For a task's `on_failure_callback`: called in the worker, after the last try."""
    from nextpick.drift.messages import failure_message
    from nextpick.settings import load_settings
    from nextpick.stages.alert import tell

    run, task = context["dag_run"], context["task_instance"]
    error = context.get("exception") or "it was killed, or ended without a word"
    message = failure_message(run.dag_id, task.task_id, error, getattr(task, "log_url", None))
    tell(load_settings(), "failure", message, connection)


def late(context: Any) -> None:
    """For a DAG's deadline: the run is still going, or was never begun."""
    run = context["dag_run"]
    _tell(f":hourglass: {run['dag_id']} is not done in time: {run['dag_run_id']}", "late")


def refused(why: str) -> None:
    """A challenger has been kept out: no crash, but somebody should know."""
    _tell(f":no_entry: {why}")


def went_back(what: str, by: str, because: str) -> None:
    """Somebody has gone back to an earlier release."""
    _tell(f":leftwards_arrow_with_hook: {what} {by}: {because}")


def split(what: str, by: str, because: str) -> None:
    """Somebody has split the traffic, or ended that."""
    _tell(f":twisted_rightwards_arrows: {what} {by}: {because}")


def waiting(version: str, link: str, wait: timedelta) -> None:
    """A challenger passed the gate, and a person is asked."""
    hours = f"{wait / timedelta(hours=1):g} hours"
    _tell(f":raised_hand: Version {version} passed the gate. Approve or reject it within {hours}: {link}")


def _tell(text: str, what: str = "notice") -> None:
    from nextpick.settings import load_settings
    from nextpick.stages.alert import tell

    tell(load_settings(), what, text, connection)
