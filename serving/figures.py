"""Figures that lie in Postgres, as gauges: read every 30 seconds, so that all processes of the service tell the same.

Of the newest drift report, and of alerts.
"""

import asyncio
from collections.abc import Sequence
from time import time
from typing import Any

import structlog

from nextpick.store import sql
from serving.database import Database, Unavailable
from serving.metrics import Metrics

POLL_SECONDS = 30.0
POLL_DEADLINE = 5.0
UNMOVED = ("ok", "too_few_rows")
log = structlog.get_logger()


class Figures:
    """Keeps the gauges of drift and alerts as Postgres has them; while it is away they stay as they were."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database, self._metrics = database, metrics
        self._query = sql.load("alerts")["figures"]
        self._failed = ""

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self.poll()
            await asyncio.sleep(POLL_SECONDS)

    async def poll(self) -> None:
        """Read once. Never raises."""
        try:
            row = await self._database.fetch_one(self._query, None, POLL_DEADLINE)
            self._tell(row or (None, None, None, [], 0))
        except Unavailable:
            return
        except Exception as error:
            if self._failed != (failed := type(error).__name__):  # once, not every time
                log.exception("cannot read the figures of drift; is the schema migrated?")
            self._failed = failed
            return
        self._failed = ""
        self._metrics.figures_read.set(time())

    def _tell(self, row: Sequence[Any]) -> None:
        """What is gone goes: a column that is no longer watched has no figure."""
        as_of, verdict, harm, measures, failed = row
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
