"""Figures of drift and of alerts as gauges: of the newest drift report, as Postgres has it."""

from collections.abc import Iterator
from typing import Any

from prometheus_client.core import Metric

from serving.families import gauge, one

UNMOVED = ("ok", "too_few_rows")
_MEASURE = ("column", "statistic")


def families(row: tuple[Any, ...]) -> Iterator[Metric]:
    """Of the row of `figures` in drift.sql. What is gone goes: a column that is no longer watched has no figure."""
    as_of, verdict, harm, measures, failed = row
    known = [(one[0:2], one[2], one[3]) for one in measures if one[2] is not None and one[3] is not None]
    yield gauge("drift_value", "A statistic of the newest drift report.", _MEASURE, ((of, x) for of, x, _ in known))
    yield gauge("drift_threshold", "Where that statistic alarms.", _MEASURE, ((of, bar) for of, _, bar in known))
    nights = ((one[0:2], 0 if one[4] in UNMOVED else one[5]) for one in measures)
    yield gauge("drift_nights", "Nights in a row that it has moved.", _MEASURE, nights)
    what = "1 for the newest drift report's verdict."
    yield gauge("drift_verdict", what, ("verdict",), [] if verdict is None else [((verdict,), 1)])
    yield gauge("drift_harm", "1 for what it says of harm.", ("harm",), [] if harm is None else [((harm,), 1)])
    yield one("drift_report_timestamp_seconds", "The night the newest drift report is of.", as_of or 0.0)
    yield one("alerts_failed", "Alerts of the last 24 hours that Slack did not take.", failed)
