"""The end of a task that has nothing to do."""

from contextlib import suppress
from typing import NoReturn

import structlog
from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from nextpick_airflow.airflow_runs import WHY_SKIPPED

log = structlog.get_logger()


def skip(reason: str) -> NoReturn:
    """Skip the task and all after it. The reason is logged here, as Airflow folds its own line of it away, and
    kept as an XCom, for the page NextPick where the run did nothing else."""
    log.info(reason)
    with suppress(RuntimeError):  # outside of a task there is no context, and no run to tell it of
        get_current_context()["ti"].xcom_push(key=WHY_SKIPPED, value=reason)
    raise AirflowSkipException(reason)
