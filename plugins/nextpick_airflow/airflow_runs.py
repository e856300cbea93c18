"""What Airflow itself knows of runs: those under way, and why the last did nothing.

Its own database is read, as only its API server may, which shows the pages.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

UNDER_WAY = ("running", "queued")
WHY_SKIPPED = "why_skipped"  # the XCom in which a task says so


class Begun(NamedTuple):
    """A run that has not ended; since when it is `running` or `queued`."""

    state: str
    since: datetime


def under_way(dags: Collection[str]) -> dict[str, Begun]:
    """By their DAGs the runs that have not ended; of several of one DAG the one that runs longest."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    asked = select(DagRun).where(DagRun.dag_id.in_(dags), DagRun.state.in_(UNDER_WAY))
    with create_session() as session:
        found = [
            (run.dag_id, Begun(str(run.state), run.start_date or run.queued_at or run.run_after))
            for run in session.scalars(asked)
        ]
    return dict(sorted(found, key=lambda one: (one[1].state == "running", -one[1].since.timestamp())))


def undone(dags: Collection[str]) -> dict[str, str]:
    """Of each DAG whose last run ended with every task skipped, why: Airflow calls that a success and says no more."""
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    of = DagRun.dag_id.in_(dags), DagRun.state == "success"
    last = select(DagRun.dag_id, func.max(DagRun.end_date).label("at")).where(*of).group_by(DagRun.dag_id)
    said = {}
    with create_session() as session:
        moments = {run.dag_id: run.at for run in session.execute(last)}
        for run in session.scalars(select(DagRun).where(*of, DagRun.end_date.in_(moments.values()))):
            tasks = {task.state for task in run.get_task_instances(session=session)}
            if run.end_date != moments[run.dag_id] or tasks != {"skipped"}:
                continue
            told = XComModel.get_many(run_id=run.run_id, key=WHY_SKIPPED, dag_ids=run.dag_id)
            if (why := session.scalars(told.limit(1)).first()) is not None:
                said[run.dag_id] = str(XComModel.deserialize_value(why))
    return said
