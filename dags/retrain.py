"""### Train a challenger, and make it champion if it is good enough
After each snapshot, or by hand. Runs the stages of `dvc.yaml` in a copy of the pipeline, registers the bundle in MLflow
as challenger with a model card and `analyst_report`, and asks the gate: better than *popular*, not worse than champion?
With `promotion.mode: approve` in params.yaml, `approve` first waits for a person: Browse, Required Actions.

**If it is refused** (by the gate, a person, or for want of an answer) the run is green and `refused` has run: why is in
its log, in Slack, on the version in MLflow and in `nextpick status`. **If `register` is skipped** nothing was new.
**If a stage fails** its log ends with the reason; bad data or parameters are not retried. Mend it and clear the task.
"""

from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, task

from nextpick.settings import load_settings
from nextpick_airflow.assets import SNAPSHOT, triggering
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.dvc_stages import dvc_stages
from nextpick_airflow.forms import optional, switch
from nextpick_airflow.pool import DVC_POOL
from nextpick_airflow.promotion import judged, longest_wait
from nextpick_airflow.skipping import skip
from nextpick_airflow.window import param, run_id

PARAMS = {
    "snapshot": optional("Snapshot", "Its md5.dir. Empty: what began this, else the newest.", pattern=r"^\w{32}\.dir$"),
    "force": switch("Compute all stages", "Even those whose result is known.", False),
    "promote_because": optional("Promote whatever the gate says, because", "Nobody is asked.", minLength=10),
}


@dag(schedule=[SNAPSHOT], params=PARAMS, doc_md=__doc__, **defaults(timedelta(hours=3), waiting=longest_wait()))
def retrain() -> None:
    @task(pool=DVC_POOL)
    def checkout() -> str:
        from nextpick.stages import checkout

        asked = param("snapshot") or triggering(SNAPSHOT, "raw_md5")
        with connection() as conn:
            return str(checkout.run(conn, load_settings(), run_id=run_id(), raw_md5=asked))

    @task(pool=DVC_POOL)
    def register(folder: str) -> str:
        from nextpick.stages import register

        with connection() as conn:
            version = register.run(load_settings(), Path(folder), conn)
        if version.is_champion:
            skip(f"No new data, or anything else new: version {version.version} is the champion.")
        return version.version

    version = register(folder := checkout())
    dvc_stages(folder) >> version
    judged(folder, version)


retrain()
