"""The end of a task that has nothing to do."""

from typing import NoReturn

import structlog
from airflow.sdk.exceptions import AirflowSkipException

log = structlog.get_logger()


def skip(reason: str) -> NoReturn:
    """Skip the task and all after it. The reason is logged here: Airflow folds its own line of it away."""
    log.info(reason)
    raise AirflowSkipException(reason)
