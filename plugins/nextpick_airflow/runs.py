"""How runs end, told to NextPick's own database: nothing else may read Airflow's.

A listener, as a DAG's own callbacks are lost where its form has a field without a default.
"""

from datetime import datetime
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

import structlog
from airflow.listeners import hookimpl

from nextpick_airflow.database import connection

if TYPE_CHECKING:
    from nextpick.store.pipeline_runs import Outcome

TAG = "nextpick"  # of our DAGs among others
WAIT_SECONDS = 5.0  # at most, that the scheduler waits for a database of ours, for each of
MOST_HANGING = 3  # ends that nobody hears of, at a time: then it waits for none
FORGOTTEN_SECONDS = 600.0  # until it tries again, whatever became of those
_hanging: list[tuple[float, Thread]] = []
log = structlog.get_logger()


@hookimpl
def on_dag_run_success(dag_run: Any) -> None:
    """Called by the scheduler, as it sees that a run has ended."""
    _record(dag_run, "success")


@hookimpl
def on_dag_run_failed(dag_run: Any) -> None:
    """The same, after a timeout of the run too."""
    _record(dag_run, "failed")


def _record(dag_run: Any, outcome: "Outcome") -> None:
    """Beside the scheduler, which must go on: a run that ended has ended, whoever hears of it."""
    try:
        if TAG not in dag_run.get_dag().tags:
            return
        told = dag_run.dag_id, dag_run.run_id, outcome, dag_run.start_date
    except Exception:
        log.exception("the end of a run is not recorded")
        return
    now = monotonic()
    _hanging[:] = [(at, one) for at, one in _hanging if one.is_alive() and now - at < FORGOTTEN_SECONDS]
    if len(_hanging) >= MOST_HANGING:
        log.warning("the end of a run is not recorded", dag=told[0], run=told[1], why="the database hangs")
        return
    telling = Thread(target=_tell, args=told, name="telling of a run", daemon=True)
    telling.start()
    telling.join(WAIT_SECONDS)
    if telling.is_alive():
        _hanging.append((now, telling))


def _tell(dag: str, run_id: str, outcome: "Outcome", started_at: datetime | None) -> None:
    from nextpick.store import pipeline_runs

    try:
        with connection() as conn, conn.transaction():
            pipeline_runs.record(conn, dag, run_id, outcome, started_at)
    except Exception as error:  # noqa: BLE001 - as above
        log.warning("the end of a run is not recorded", dag=dag, run=run_id, why=f"{type(error).__name__}: {error}")
