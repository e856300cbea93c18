"""### Compute every user's list and make them live
After each snapshot, with the champion of the day before, so that lists are fresh whatever becomes of the training; and
after each promotion, with the new champion. Readers see all of the new release or none of it.

`plan` cuts the users into blocks, each `fill` writes some of them and several run at once, on any worker that reaches
Postgres and the folder of bundles; `finish` indexes and attaches, `compare` holds it against what is live, `go_live`
flips. **If it fails** the old release stays live: clear the red task, and what is done is not done again.
*Blocked*: the release changes too much; `compare` says what. *Another run is building*: wait for it.
*BundleError*: the bundle is not the one that was registered; retrain. **If all is skipped** nothing was
made, as there is no champion yet; the log of `plan` and the page *NextPick* say so, for Airflow calls it a success.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task

from nextpick.settings import load_settings
from nextpick_airflow.assets import CHAMPION, SNAPSHOT
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import optional, switch
from nextpick_airflow.publishing import Compare, finish, go_live, refresh_challenger
from nextpick_airflow.skipping import skip
from nextpick_airflow.window import param, run_id

PARAMS = {
    "version": optional("Model version", "Its number in MLflow. Empty: the champion.", pattern=r"^\d+$"),
    "flip": switch("Make it live", "Otherwise the release is only made ready.", True),
    "because": optional("Make it live whatever stands against it, because", "Kept with your name.", minLength=10),
}


@dag(schedule=(SNAPSHOT | CHAMPION), params=PARAMS, doc_md=__doc__, **defaults(deadline=timedelta(hours=2)))
def precompute() -> None:
    @task
    def plan() -> list[dict[str, Any]]:
        from nextpick.stages import precompute

        with connection() as conn:
            planned = precompute.plan(conn, load_settings(), version=param("version"), run_id=run_id())
        if planned is None:
            skip("There is no champion yet: the first promotion starts this DAG again.")
        return [{"release_id": planned.release_id, "blocks": blocks} for blocks in planned.shards()]

    @task
    def fill(release_id: int, blocks: list[int]) -> None:
        from nextpick.stages import precompute

        with connection() as conn:
            precompute.fill(conn, release_id, *blocks, cache=load_settings().bundle_cache_folder)

    shards = plan()
    release_id = finish(shards)
    fill.expand_kwargs(shards) >> release_id
    Compare(task_id="compare", release_id=release_id) >> go_live(release_id) >> refresh_challenger()


precompute()
