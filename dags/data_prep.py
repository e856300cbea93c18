"""### Take a snapshot of the events and the catalogue
Every night at 02:00 UTC, where *drift_report* asks for a retraining, or by hand. All events before the cutoff, and the
catalogue, become files that DVC keeps under their md5. The snapshot then starts *retrain* and *precompute*. A night
without new events gives the same md5 as before, and everything after it is a cache hit.

**If it fails:** *There is no event*: load some, or take a later cutoff. *dvc push failed*: the remote is full or away.
A run may be cleared and repeated at any time; until one succeeds the lists of the day before stay live.
"""

from datetime import timedelta

from airflow.sdk import AssetOrTimeSchedule, dag, task

from nextpick.settings import load_settings
from nextpick_airflow.assets import DRIFTED, SNAPSHOT, made
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import optional
from nextpick_airflow.pool import DVC_POOL
from nextpick_airflow.window import moment, nightly, run_id

PARAMS = {
    "cutoff": optional(
        "Cutoff", "Take events before this moment, UTC. Empty: the run's scheduled time.", format="date-time"
    )
}
SCHEDULE = AssetOrTimeSchedule(timetable=nightly("0 2 * * *"), assets=DRIFTED)


@dag(schedule=SCHEDULE, params=PARAMS, doc_md=__doc__, **defaults(deadline=timedelta(hours=1)))
def data_prep() -> None:
    @task(pool=DVC_POOL, outlets=[SNAPSHOT])
    def export() -> str:
        """Write `data/raw` and give it to DVC; returns its md5."""
        from nextpick.stages import export

        with connection() as conn:
            snapshot = export.run(conn, load_settings(), cutoff=moment("cutoff"), run_id=run_id())
        made(SNAPSHOT, raw_md5=snapshot.raw_md5)
        return snapshot.raw_md5

    export()


data_prep()
