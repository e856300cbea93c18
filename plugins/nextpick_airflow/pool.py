"""The pool that lets one DVC task run at a time. Made where it is absent; its size may be changed in the UI."""

from typing import Any

from airflow.listeners import hookimpl

DVC_POOL = "dvc"


@hookimpl
def on_starting(component: Any) -> None:
    """Called as scheduler, dag-processor and triggerer start: the first one makes the pool. Task processes may not."""
    if type(component).__name__ != "Job":
        return
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError

    try:
        with create_session() as session:
            if Pool.get_pool(DVC_POOL, session=session) is None:
                about = "One DVC command at a time: they share a cache."
                session.add(Pool(pool=DVC_POOL, slots=1, description=about, include_deferred=False))
    except IntegrityError:  # another component was quicker
        return
