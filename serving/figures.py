"""Figures of drift that lie in Postgres, as gauges: read every 30 seconds, by all processes of the service at the same
moment, so that all tell the same. Of the newest drift report, and of alerts."""

from collections.abc import Iterator
from time import time
from typing import Any

from prometheus_client.core import Metric

from nextpick.store import sql
from serving.database import Database, Row
from serving.families import gauge, one
from serving.metrics import Metrics
from serving.polled import Polled

POLL_SECONDS = 30.0
POLL_DEADLINE = 5.0
UNMOVED = ("ok", "too_few_rows")
_MEASURE = ("column", "statistic")


class Figures:
    """Keeps the gauges of drift and alerts as Postgres has them; while it is away they stay as they were."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._metrics = metrics
        query = sql.load("drift")["figures"]
        self._polled = Polled(database, query, self._tell, POLL_SECONDS, POLL_DEADLINE, together=True)
        self.run, self.poll = self._polled.run, self._polled.poll

    def _tell(self, row: Row | None) -> None:
        self._metrics.kept.replace("drift", _families(row or (None, None, None, [], 0)))
        self._metrics.figures_read.set(time())


def _families(row: tuple[Any, ...]) -> Iterator[Metric]:
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
