"""What all DAGs of NextPick share."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DeadlineAlert, DeadlineReference, ExceptionRetryPolicy, RetryAction, RetryRule, SyncCallback

from nextpick.errors import BundleError, ConfigError, DataError, GateRefused, ReleaseRefused, UpkeepError
from nextpick_airflow import alerts

_POLICY = ExceptionRetryPolicy(
    [
        RetryRule(
            [DataError, ConfigError, BundleError, GateRefused, ReleaseRefused, UpkeepError],
            RetryAction.FAIL,
            reason="the same again would fail",
        )
    ]
)


def defaults(deadline: timedelta, waiting: timedelta = timedelta(0)) -> dict[str, Any]:
    """Arguments of `@dag`: an alert where a run is not done after `deadline`, and its end after twice that.

    `waiting` is time that a run may spend on waiting for a person besides.
    """
    return {
        "catchup": False,
        "max_active_runs": 1,
        "dagrun_timeout": 2 * deadline + waiting,
        "deadline": DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=deadline + waiting,
            callback=SyncCallback(alerts.late),
        ),
        "tags": ["nextpick"],
        "default_args": {
            "retries": 2,
            "retry_delay": timedelta(minutes=1),
            "retry_exponential_backoff": True,
            "retry_policy": _POLICY,
            "execution_timeout": deadline,
            "on_failure_callback": [alerts.failed],  # a mapped task that fails as it is unpacked wants a list
        },
    }
