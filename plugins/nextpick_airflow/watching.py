"""The steps of a drift report: made, and acted on where what moved costs answers."""

from typing import Any
from urllib.parse import quote

from airflow.sdk import BaseOperator, BaseOperatorLink, get_current_context, task

from nextpick_airflow.assets import DRIFTED, made
from nextpick_airflow.database import connection
from nextpick_airflow.skipping import skip
from nextpick_airflow.window import moment, param, run_id


class ReportLink(BaseOperatorLink):
    """A button on the task's page that leads to the report."""

    name = "The drift report"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        return str(getattr(operator, "link", ""))


class Report(BaseOperator):
    """Makes a night's report, stores it and tells people; returns its id and whether it asks for a retraining."""

    operator_extra_links = (ReportLink(),)

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self.link = ""

    def execute(self, context: Any) -> dict[str, Any]:
        from nextpick.settings import load_settings
        from nextpick.stages import drift_report

        settings = load_settings()
        with connection() as conn:
            asked = drift_report.Asked(
                as_of=moment("as_of"),
                run_id=run_id(),
                run_url=_address(settings.airflow_address),
                retrain=True,
                window_days=param("window_days"),
                reference_weeks=param("reference_weeks"),
            )
            made = drift_report.run(conn, settings, asked)
        self.link = drift_report.address(settings, made.report_id)
        return {"report_id": made.report_id, "asks": made.asks_for_retraining}


@task(outlets=[DRIFTED])
def request_retrain(report: dict[str, Any]) -> None:
    """Have a snapshot made of what is known now, and with it a retraining, whose gate decides."""
    if not report["asks"]:
        skip("Nothing moved that costs answers, or a retraining was asked for only lately: see the report.")
    from nextpick.store import drift

    with connection() as conn, conn.transaction():
        drift.mark_requested(conn, report["report_id"])
    made(DRIFTED, report_id=report["report_id"])


def _address(airflow: str) -> str:
    run = get_current_context()["dag_run"]
    return f"{airflow}/dags/{run.dag_id}/runs/{quote(str(run.run_id), safe='')}"
