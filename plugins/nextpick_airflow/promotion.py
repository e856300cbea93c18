"""What becomes of a challenger: the tasks `gate`, and then either `promote` or `refused`."""

from pathlib import Path

from airflow.sdk import task

from nextpick_airflow import alerts
from nextpick_airflow.assets import CHAMPION, made
from nextpick_airflow.window import param


@task.branch
def gate(folder: str, version: str) -> str:
    """Ask the gate, write its decision on the version, and name the task that follows."""
    from nextpick.settings import load_settings
    from nextpick.stages import promote

    decision = promote.decide(load_settings(), Path(folder), version)
    return "promote" if decision.promote or param("promote_because") else "refused"


@task(outlets=[CHAMPION])
def promote(version: str) -> None:
    """Make the version the champion, whatever stands against it where the param gives a reason."""
    from nextpick.settings import load_settings
    from nextpick.stages import promote

    promote.run(load_settings(), version, force=param("promote_because") or "")
    made(CHAMPION, version=version)


@task
def refused(version: str) -> None:
    """Say so, with the gate's reasons. The champion stays."""
    from nextpick.settings import load_settings
    from nextpick.stages import promote

    alerts.refused(version, promote.reasons(load_settings(), version))
