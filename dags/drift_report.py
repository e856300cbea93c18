"""### Has what users do moved away from what the model was trained on?
After each release, and every night at 05:00 UTC. Compares recent impressions and events with the reference window,
writes an Evidently report (Browse > Drift reports) and the figures into `drift_metrics`, and tells Slack.

**If it fails:** nothing that is served depends on it. The log says what was missing; clear the task to try again.
A verdict of *warn* or *broken* is no failure: read the report.
"""

from datetime import timedelta

from airflow.sdk import AssetOrTimeSchedule, dag, task

from nextpick.settings import load_settings
from nextpick_airflow.assets import RELEASE
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import optional
from nextpick_airflow.window import moment, nightly, run_id

PARAMS = {
    "as_of": optional("As of", "The report looks back from here, UTC. Empty: when the run began.", format="date-time")
}
SCHEDULE = AssetOrTimeSchedule(timetable=nightly("0 5 * * *"), assets=RELEASE)


@dag(schedule=SCHEDULE, params=PARAMS, doc_md=__doc__, **defaults(deadline=timedelta(minutes=30)))
def drift_report() -> None:
    @task
    def report() -> None:
        """Compute, store and tell."""
        from nextpick.stages import drift_report

        with connection() as conn:
            drift_report.run(conn, load_settings(), as_of=moment("as_of"), run_id=run_id())

    report()


drift_report()
