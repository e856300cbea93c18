"""A row of Postgres that is read again and again, so that what is in memory follows it."""

import asyncio
from collections.abc import Callable

import structlog

from serving.database import Database, Row, Unavailable

log = structlog.get_logger()


class Polled:
    """Gives the row of `query` to `take` every so many seconds. While it cannot be read, what was taken stays."""

    def __init__(
        self, database: Database, query: str, take: Callable[[Row | None], None], seconds: float, deadline: float
    ) -> None:
        self._database, self._query, self._take = database, query, take
        self._seconds, self._deadline = seconds, deadline
        self._failed = ""

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await self.poll()
            await asyncio.sleep(self._seconds)

    async def poll(self) -> None:
        """Read once. Never raises."""
        try:
            self._take(await self._database.fetch_one(self._query, None, self._deadline))
        except Unavailable:
            return
        except Exception as error:
            if self._failed != (failed := type(error).__name__):  # once, not every time
                log.exception("cannot read what is polled; is the schema migrated?", query=self._query[:80])
            self._failed = failed
        else:
            self._failed = ""
