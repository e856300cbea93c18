"""### Search for better parameters, for a person to review
By hand only. Tries parameters of the pool's generators and of the ranker on the newest snapshot, as long as you say,
and writes the best as a `params.yaml`. It is judged on the label windows; the test window stays unseen, for the gate.
**Nothing that is live changes, nor any file of the pipeline.**

**What to do with the result:** the log of `search` ends with what would change, and by how much that was better (as the
best of many, it flatters). The file is in MLflow, experiment *nextpick tuning*, with every trial, and in
`.nextpick/tuning/`. If you agree, put it in place of params.yaml, commit it, and trigger `retrain`: the gate decides.

**If it fails or is ended** clear `search`: it goes on where it was. With one label window there is nothing to judge by:
load more history.
"""

from datetime import timedelta
from pathlib import Path

import structlog
from airflow.sdk import Param, dag, task

from nextpick.settings import load_settings
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.pool import DVC_POOL
from nextpick_airflow.window import param, run_id

log = structlog.get_logger()
MOST = 120
PARAMS = {
    "minutes": Param(30, type="integer", minimum=1, maximum=MOST, title="Minutes", description=f"At most {MOST}."),
    "trials": Param(
        None, type=["null", "integer"], minimum=1, title="Trials", description="End after so many, if that is earlier."
    ),
}


@dag(schedule=None, params=PARAMS, doc_md=__doc__, is_paused_upon_creation=False, **defaults(timedelta(hours=3)))
def tune() -> None:
    @task(pool=DVC_POOL)
    def prepare() -> str:
        from nextpick.stages import tune

        with connection() as conn:
            return str(tune.prepare(load_settings(), conn, run_id=run_id()))

    @task
    def search(folder: str) -> str:
        from nextpick.stages import tune

        limits = tune.Limits(param("minutes"), param("trials"))
        found = tune.run(load_settings(), Path(folder), limits=limits)
        for line in found.said().splitlines():
            log.info(line)
        return str(found.proposed)

    search(prepare())


tune()
