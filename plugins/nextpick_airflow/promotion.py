"""What becomes of a challenger: the gate, a person where one is to be asked, and then either `promote` or `refused`."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule, task

from nextpick_airflow import alerts
from nextpick_airflow.approval import APPROVE, REJECT, Approval
from nextpick_airflow.assets import CHAMPION, made
from nextpick_airflow.database import connection
from nextpick_airflow.window import param, who

if TYPE_CHECKING:
    from nextpick.params import PromotionParams

_ON_EITHER_WAY = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS  # `approve` is skipped where nobody is asked


def longest_wait() -> timedelta:
    """How long a run may wait for a person, which is no time where params.yaml lets the gate alone decide."""
    promotion = _promotion()
    return timedelta(hours=promotion.wait_hours) if promotion.mode == "approve" else timedelta(0)


def judged(folder: Any, version: Any) -> None:
    """The tasks `gate`, `approve`, `promote` and `refused`, and beside them `analyst_report`."""
    follows = {APPROVE: "promote", REJECT: "refused"}
    wait = timedelta(hours=_promotion().wait_hours)
    asked = Approval(task_id="approve", folder=folder, version=version, follows=follows, response_timeout=wait)
    ends = [promote(version), refused(version)]
    gate(folder, version) >> [asked, *ends]
    asked >> ends
    analyst_report(folder, version)


@task.branch
def gate(folder: str, version: str) -> str:
    """Ask the gate, write its decision on the version, and name the task that follows.

    Whoever begins the run with a reason to promote has decided: neither the gate nor anybody else is heard.
    """
    from nextpick.settings import load_settings
    from nextpick.stages import approve, promote

    with connection() as conn:
        decision = promote.decide(load_settings(), Path(folder), version, conn)
    if param("promote_because"):
        return "promote"
    if not decision.promote:
        return "refused"
    return "approve" if approve.is_asked_for(Path(folder)) else "promote"


@task(outlets=[CHAMPION], trigger_rule=_ON_EITHER_WAY)
def promote(version: str) -> None:
    """Make the version the champion, whatever stands against it where the param gives a reason."""
    from nextpick.settings import load_settings
    from nextpick.stages import approve, promote

    settings, because = load_settings(), param("promote_because") or ""
    if because:
        approve.answered(settings, version, True, who(), because)
    with connection() as conn:
        promote.run(settings, version, force=because, who=who(), conn=conn)
    made(CHAMPION, version=version)


@task(trigger_rule=_ON_EITHER_WAY)
def refused(version: str) -> None:
    """Say who refused it, and why. The champion stays."""
    from nextpick.settings import load_settings
    from nextpick.stages import approve

    alerts.refused(approve.refusal(load_settings(), version))


@task
def analyst_report(folder: str, version: str) -> None:
    """Put Evidently's page on the version's lists with its card. What becomes of the version does not wait for it."""
    from nextpick.settings import load_settings
    from nextpick.stages import analyst

    analyst.run(load_settings(), Path(folder), version)


def _promotion() -> "PromotionParams":
    from nextpick.params import load_params
    from nextpick.settings import load_settings

    return load_params(load_settings().project / "params.yaml").promotion
