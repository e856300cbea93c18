"""Figures that lie in Postgres, as gauges: read every 30 seconds, so that all processes of the service tell the same.

Of the newest drift report, and of alerts.
"""

from time import time

from nextpick.store import sql
from serving.database import Database, Row
from serving.metrics import Metrics
from serving.polled import Polled

POLL_SECONDS = 30.0
POLL_DEADLINE = 5.0
UNMOVED = ("ok", "too_few_rows")


class Figures:
    """Keeps the gauges of drift and alerts as Postgres has them; while it is away they stay as they were."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._metrics = metrics
        self._polled = Polled(database, sql.load("drift")["figures"], self._tell, POLL_SECONDS, POLL_DEADLINE)
        self.run, self.poll = self._polled.run, self._polled.poll

    def _tell(self, row: Row | None) -> None:
        """What is gone goes: a column that is no longer watched has no figure."""
        as_of, verdict, harm, measures, failed = row or (None, None, None, [], 0)
        metrics = self._metrics
        for gauge in (metrics.drift_value, metrics.drift_threshold, metrics.drift_nights):
            gauge.clear()
        for gauge, now in ((metrics.drift_verdict, verdict), (metrics.drift_harm, harm)):
            gauge.clear()
            if now is not None:
                gauge.labels(now).set(1)
        for column, statistic, value, threshold, judged, nights in measures:
            if value is not None and threshold is not None:
                metrics.drift_value.labels(column, statistic).set(value)
                metrics.drift_threshold.labels(column, statistic).set(threshold)
            metrics.drift_nights.labels(column, statistic).set(0 if judged in UNMOVED else nights)
        metrics.drift_report.set(as_of or 0.0)
        metrics.alerts_failed.set(failed)
        metrics.figures_read.set(time())
