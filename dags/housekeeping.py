"""### Remove what is no longer needed
Every day at 06:30 UTC, or by hand: makes the partitions of the coming months, and removes what is older than
`retention` in params.yaml says, of events, answers, lists, rejected rows, reports, model versions, DVC's data and
Airflow's own database. The log says what each part freed. Nothing that a kept release needs goes.

**If it fails** the log's last line names the part and the reason; all other parts were done. *Rows were in
events_default*: something sends events of months long gone or to come. They were moved to where they belong, and none
is lost; see who sends them. Clear the task to try again.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from nextpick.settings import load_settings
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import switch
from nextpick_airflow.pool import DVC_POOL
from nextpick_airflow.window import nightly, param

PARAMS = {"dry_run": switch("Only say what would go", "Nothing is changed.", False)}


@dag(
    schedule=nightly("30 6 * * *"),
    params=PARAMS,
    doc_md=__doc__,
    is_paused_upon_creation=False,
    **defaults(deadline=timedelta(hours=1)),
)
def housekeeping() -> None:
    @task(pool=DVC_POOL)
    def tidy() -> None:
        """Every part, whatever becomes of the others."""
        from nextpick.stages import housekeeping

        with connection() as conn:
            done = housekeeping.run(conn, load_settings(), now=datetime.now(UTC), dry=param("dry_run"))
        housekeeping.judge(done)

    tidy()


housekeeping()
