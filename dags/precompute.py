"""### Compute every user's list and make them live
After each snapshot, with the champion of the day before, so that lists are fresh whatever becomes of the training; and
after each promotion, with the new champion. Readers see all of the new release or none of it.

**If it fails:** the old release stays live and is served. *Another publish is running*: wait for it. *BundleError*: the
bundle in MLflow is not the one that was registered; retrain. **If it is skipped**, there is no champion yet.
"""

from datetime import timedelta

from airflow.sdk import dag, task

from nextpick.settings import load_settings
from nextpick_airflow.assets import CHAMPION, RELEASE, SNAPSHOT, made
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import optional, switch
from nextpick_airflow.skipping import skip
from nextpick_airflow.window import param

PARAMS = {
    "version": optional("Model version", "Its number in MLflow. Empty: the champion.", pattern=r"^\d+$"),
    "flip": switch("Make it live", "Otherwise the release is only made ready.", True),
}


@dag(schedule=(SNAPSHOT | CHAMPION), params=PARAMS, doc_md=__doc__, **defaults(deadline=timedelta(hours=2)))
def precompute() -> None:
    @task(outlets=[RELEASE])
    def publish() -> int:
        """Lists of every user as of the newest event; returns the release's id."""
        from nextpick.stages import publish

        with connection() as conn:
            release_id = publish.run(conn, load_settings(), version=param("version"), flip=param("flip"))
        if release_id is None:
            skip("There is no champion yet: the first promotion starts this DAG again.")
        made(RELEASE, release_id=release_id)
        return release_id

    publish()


precompute()
