"""How much is under way and how much waits, looked at once a second: to count each change would cost every request."""

import asyncio
from collections.abc import Sequence

from serving.database import Database
from serving.load import Load
from serving.metrics import Metrics
from serving.recommender import Recommender

LOOK_SECONDS = 1.0


class Watched:
    """Keeps the gauges of load and queues."""

    def __init__(self, metrics: Metrics, load: Load, recommender: Recommender, databases: Sequence[Database]) -> None:
        self._metrics, self._load, self._recommender, self._databases = metrics, load, recommender, databases

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Look once."""
        metrics = self._metrics
        metrics.in_flight.set(self._load.requests)
        metrics.late.set(self._load.late)
        metrics.waiting["scoring"].set(self._recommender.scoring.waiting)
        metrics.waiting["explaining"].set(self._recommender.explaining.waiting)
        metrics.waiting["connection"].set(sum(database.waiting for database in self._databases))
