"""Answers on their way into Postgres: off the request's path, in batches, through a queue that cannot grow."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import psycopg
import structlog

from nextpick.store import sql
from nextpick.store.impressions import Impression, pieces
from serving.database import Database, Unavailable
from serving.metrics import Metrics

QUEUE = 20_000  # answers
MOST_BYTES = 100_000_000  # of their features
BATCH = 500
AT_ONCE = 8  # encoded while requests wait: some tens of microseconds each
GATHER_SECONDS = 0.2  # how long the first of a batch may wait for others
RETRY_SECONDS = 1.0
FLUSH_SECONDS = 5.0  # at shutdown
log = structlog.get_logger()


class ImpressionLog:
    """`add` never waits. What cannot be stored is counted: queue_full, refused (by Postgres), shutdown."""

    def __init__(self, database: Database, metrics: Metrics, queue: int = QUEUE) -> None:
        self._database, self._metrics = database, metrics
        self._queue: asyncio.Queue[Impression] = asyncio.Queue(queue)
        self._batch: list[Impression] = []  # taken from the queue, not stored yet
        self._sql = sql.load("impressions")
        self._bytes = 0  # of features in the queue
        self._wake = asyncio.Event()
        self._closing = False
        self._unsure = False  # whether the batch may have been stored by a try whose answer was lost

    def add(self, impression: Impression) -> None:
        """Queue one answer."""
        size = _size(impression)
        if self._queue.full() or self._bytes + size > MOST_BYTES:
            self._metrics.impressions_dropped.labels("queue_full").inc()
        else:
            self._queue.put_nowait(impression)
            self._bytes += size
        self._wake.set()

    def forget(self, user_id: str) -> None:
        """Drop what is not stored yet of a user who was erased. What another process holds housekeeping finds."""
        waiting = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        self._bytes = 0
        for impression in waiting:
            if impression.user_id != user_id:
                self._queue.put_nowait(impression)
                self._bytes += _size(impression)
        self._batch[:] = [impression for impression in self._batch if impression.user_id != user_id]

    async def run(self) -> None:
        """Store batches until `close` is called."""
        while not self._closing:
            await self._wake.wait()
            self._wake.clear()
            if not self._closing:
                await asyncio.sleep(GATHER_SECONDS)
            self._take()
            while self._batch:
                if await self._store():
                    if self._queue.qsize() >= BATCH:  # fewer go on gathering: small writes cost what large ones do
                        self._take()
                elif self._closing:
                    return
                else:
                    await asyncio.sleep(RETRY_SECONDS)
            if not self._queue.empty():
                self._wake.set()

    async def close(self, running: asyncio.Task[None]) -> None:
        """End `run`, then store what waits, within FLUSH_SECONDS in all; the rest is counted as dropped."""
        self._closing = True
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_SECONDS):
                await asyncio.wait({running})
                self._take()
                while self._batch:
                    if not await self._store():
                        await asyncio.sleep(0.2)
                    self._take()
        running.cancel()
        lost = len(self._batch) + self._queue.qsize()
        if lost:
            self._metrics.impressions_dropped.labels("shutdown").inc(lost)
            log.error("impressions lost at shutdown", count=lost)

    def _take(self) -> None:
        while len(self._batch) < BATCH and not self._queue.empty():
            self._batch.append(self._queue.get_nowait())
            self._bytes -= _size(self._batch[-1])
        self._metrics.impressions_waiting.set(self._queue.qsize() + len(self._batch))

    async def _store(self) -> bool:
        """Try to store the batch; True where it is dealt with, stored or refused."""
        try:
            batch = await self._unknown(self._batch) if self._unsure else self._batch
            if batch:
                await self._database.copy(self._sql["copy"], await _encoded(batch))
        except Unavailable:
            self._unsure = True
            return False
        except psycopg.Error:
            log.exception("impressions refused", count=len(self._batch))
            self._metrics.impressions_dropped.labels("refused").inc(len(self._batch))
        else:
            self._metrics.impressions.inc(len(self._batch))
        self._batch, self._unsure = [], False
        self._metrics.impressions_waiting.set(self._queue.qsize())
        return True

    async def _unknown(self, batch: Sequence[Impression]) -> list[Impression]:
        since = min(impression.answered_at for impression in batch)
        row = await self._database.fetch_one(
            self._sql["known"], {"ids": [i.recommendation_id for i in batch], "since": since}, 2.0
        )
        known = set(row[0] if row and row[0] else ())
        return [impression for impression in batch if impression.recommendation_id not in known]


async def _encoded(batch: Sequence[Impression]) -> bytes:
    """A batch takes milliseconds, so requests are let in between."""
    parts = []
    for i, part in enumerate(pieces(batch)):
        parts.append(part)
        if i % AT_ONCE == 0:
            await asyncio.sleep(0)
    return b"".join(parts)


def _size(impression: Impression) -> int:
    return 0 if impression.features is None else int(impression.features.nbytes)
