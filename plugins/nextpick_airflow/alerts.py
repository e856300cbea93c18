"""What a person must hear of: to Slack where a webhook is set, and to the log in any case."""

from typing import Any


def failed(context: Any) -> None:
    """For `on_failure_callback` of a task: called in the worker after the last try."""
    run = context["dag_run"]
    task = context["task_instance"].task_id
    _tell(f":red_circle: {run.dag_id}: {task} failed in {run.run_id}: {context.get('exception')}")


def late(context: Any) -> None:
    """For a DAG's deadline."""
    run = context["dag_run"]
    name = (run["dag_id"], run["dag_run_id"]) if isinstance(run, dict) else (run.dag_id, run.run_id)
    _tell(f":hourglass: {name[0]} is not done in time: {name[1]}")


def refused(version: str, reasons: tuple[str, ...]) -> None:
    """The gate has kept a challenger out: no crash, but somebody should know."""
    _tell(f":no_entry: The gate refused version {version}; the champion stays. {'; '.join(reasons)}")


def _tell(text: str) -> None:
    import structlog

    from nextpick.drift import slack
    from nextpick.settings import load_settings

    structlog.get_logger().warning(text)
    slack.send(load_settings(), text)
