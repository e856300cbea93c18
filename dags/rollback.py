"""### Go back to the release before
By hand only. Model, lists, items and features go back together, in milliseconds: a release is all of them. The release
that is left is rejected with your reason, and its model with it where the earlier one has another: neither the nightly
precompute nor retrain brings it back, only a person with a reason (`nextpick publish --release N --because WHY`).
The champion in MLflow follows. Lists are then those of that night; trigger `precompute` for fresh ones.

**If it fails** nothing has changed. The log names the releases that can be gone back to; `nextpick releases` lists all.
While Airflow is down: `nextpick rollback --because WHY`.
"""

from datetime import timedelta

import structlog
from airflow.sdk import Param, dag, task

from nextpick.settings import load_settings
from nextpick_airflow import alerts
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import optional
from nextpick_airflow.window import param, who

log = structlog.get_logger()
PARAMS = {
    "release": optional("Release", "Its number. Empty: the newest before the live one.", pattern=r"^\d+$"),
    "because": Param(type="string", minLength=10, title="Because", description="Kept with your name."),
}


@dag(schedule=None, params=PARAMS, doc_md=__doc__, is_paused_upon_creation=False, **defaults(timedelta(minutes=10)))
def rollback() -> None:
    @task
    def choose() -> int:
        """Named before anything changes, so that another try goes back to this one and no further."""
        from nextpick.stages import rollback

        with connection() as conn:
            return int(param("release") or rollback.choose(conn, load_settings()))

    @task
    def go_back(release_id: int) -> None:
        from nextpick.stages import rollback

        with connection() as conn:
            done = rollback.run(conn, load_settings(), release_id, who=who(), because=param("because"))
        for line in rollback.told(done):
            log.info(line)
        alerts.went_back(" ".join(rollback.told(done)), who(), param("because"))

    go_back(choose())


rollback()
