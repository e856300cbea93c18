"""The task that waits for a person: asked and answered under Required Actions, the model card before the eyes."""

from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import quote

from airflow.providers.standard.operators.hitl import HITLBranchOperator, HITLOperator

from nextpick_airflow import alerts
from nextpick_airflow.forms import optional

APPROVE, REJECT = "Approve", "Reject"


class Approval(HITLBranchOperator):
    """Asks about a version, tells Slack that somebody is waited for, and names the task that follows the answer.

    No answer within `response_timeout` is a refusal. `follows` gives the task for APPROVE and the one for REJECT.
    """

    template_fields: Collection[str] = ("folder", "version")

    def __init__(self, *, folder: Any, version: Any, follows: dict[str, str], **rest: Any) -> None:
        because = optional("Because", "Kept with your name on the version in MLflow.", maxLength=500)
        rest["params"] = {"because": because}  # instead of the fields of the run's own form, which Airflow puts here
        super().__init__(subject="", options=[APPROVE, REJECT], defaults=REJECT, options_mapping=follows, **rest)
        self.folder, self.version = folder, version

    def execute(self, context: Any) -> Any:
        from nextpick.settings import load_settings
        from nextpick.stages import approve

        settings = load_settings()
        asked = approve.question(settings, Path(self.folder), self.version)
        self.subject, self.body = asked.subject, asked.body
        task = context["task_instance"]
        place = f"dags/{task.dag_id}/runs/{quote(task.run_id)}/tasks/{task.task_id}/required_actions"
        alerts.waiting(self.version, f"{settings.airflow_address}/{place}", self.response_timeout)
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        from nextpick.settings import load_settings
        from nextpick.stages import approve

        answer = HITLOperator.execute_complete(self, context, event)  # the next class up would branch before we know
        (chosen,), by = answer["chosen_options"], answer["responded_by_user"]
        because = str(answer["params_input"].get("because") or "")
        approve.answered(load_settings(), self.version, chosen == APPROVE, by["name"] if by else "", because)
        return self.do_branch(context, self.options_mapping[chosen])
