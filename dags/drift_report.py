"""### Has what users do moved away from what the model was trained on, and does it cost anything?
After each release, and every night at 05:00 UTC. Compares the last days with the same weekdays of the weeks before,
writes an Evidently report (Drift in the menu, or the button on the task `report`) and the figures into
`drift_metrics`, and tells Slack. Any past date may be asked for by the form; the same date again replaces its report.

**If it fails:** nothing that is served depends on it. The log says what was missing; clear the task to try again.
A verdict of *warn*, *alarm* or *broken* is no failure: read the report. `request_retrain` runs where what moved costs
answers, once in `drift.retrain_cooldown_days`: it starts `data_prep`, and that `retrain`, whose gate decides.
"""

from datetime import timedelta

from airflow.sdk import AssetOrTimeSchedule, dag

from nextpick_airflow.assets import RELEASE
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import optional, whole
from nextpick_airflow.watching import Report, request_retrain
from nextpick_airflow.window import nightly

PARAMS = {
    "as_of": optional("As of", "The report looks back from here, UTC. Empty: when the run began.", format="date-time"),
    "window_days": whole("Days", "How many of the last days to look at. Empty: as params.yaml says.", 1, 7),
    "reference_weeks": whole("Weeks", "How many weeks before to compare with. Empty: as params.yaml says.", 4, 52),
}
SCHEDULE = AssetOrTimeSchedule(timetable=nightly("0 5 * * *"), assets=RELEASE)


@dag(schedule=SCHEDULE, params=PARAMS, doc_md=__doc__, **defaults(deadline=timedelta(minutes=30)))
def drift_report() -> None:
    request_retrain(Report(task_id="report").output)


drift_report()
