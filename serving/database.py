"""Postgres as the service sees it: one short statement at a time, with a deadline, or `Unavailable` at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from nextpick.store import arrays

READ_SECONDS = 0.15  # a read that takes longer is answered without the database
WRITE_SECONDS = 5.0
FAILURES = 3  # in a row, before the breaker opens
OPEN_SECONDS = 1.0  # until one request may try again
POOL_SIZE = 8

T = TypeVar("T")
Row = tuple[Any, ...]
# What says that Postgres is away rather than that a statement is wrong.
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)


class Unavailable(Exception):
    """The database did not answer in time, or is known to be away."""


class Breaker:
    """Opens after FAILURES failures in a row; then one try a second, until one succeeds."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock, self._failures, self._retry_at = clock, 0, 0.0

    def allows(self) -> bool:
        """Whether to try now; while open, saying yes once pushes the next try OPEN_SECONDS on."""
        if self._failures < FAILURES:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + OPEN_SECONDS
        return True

    def record(self, succeeded: bool) -> None:
        """Count one try."""
        self._failures = 0 if succeeded else self._failures + 1
        if self._failures == FAILURES:
            self._retry_at = self._clock() + OPEN_SECONDS


class Database:
    """A pool of autocommit connections that comes up by itself whenever Postgres does."""

    def __init__(self, url: str) -> None:
        self._breaker = Breaker()
        self._strays: set[asyncio.Task[Any]] = set()
        self._pool = AsyncConnectionPool(
            url,
            open=False,
            min_size=1,
            max_size=POOL_SIZE,
            max_waiting=256,
            timeout=WRITE_SECONDS,
            reconnect_timeout=1.0,  # then a new request starts over: the pool's own back-off grows to minutes
            configure=_configure,
            kwargs={
                "autocommit": True,
                "prepare_threshold": 0,
                "connect_timeout": 3,
                "application_name": "nextpick-api",
                "options": "-c TimeZone=UTC -c statement_timeout=10s",
            },
        )

    async def open(self) -> None:
        """Start connecting in the background; a database that is away is no error here."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all connections, without waiting for statements that hang."""
        for task in self._strays:
            task.cancel()
        await self._pool.close(timeout=1.0)

    async def fetch_one(
        self, query: str, parameters: Mapping[str, Any] | None = None, seconds: float | None = None
    ) -> Row | None:
        """The first row of one statement, which is run again once where a connection turned out dead, or its rows were
        on their way to a DEFAULT partition when one of their own was attached.

        So the statement must be safe to repeat. READ_SECONDS is the time it has unless told otherwise.

        Raises: Unavailable.
        """
        within = READ_SECONDS if seconds is None else seconds

        async def work() -> Row | None:
            async with self._pool.connection(timeout=within) as conn:
                cursor = await conn.execute(query, parameters, binary=True)
                return await cursor.fetchone()

        return await self.run(work, within)

    async def copy(self, statement: str, data: bytes, seconds: float = WRITE_SECONDS) -> None:
        """COPY `data`, whole or not at all. Not repeated: a lost connection may have lost only the answer.

        Raises: Unavailable; psycopg.Error where Postgres refuses the rows.
        """

        async def work() -> None:
            async with (
                self._pool.connection(timeout=seconds) as conn,
                conn.cursor() as cursor,
                cursor.copy(statement) as copy,
            ):
                await copy.write(data)

        await self.run(work, seconds, tries=1)

    async def run(self, work: Callable[[], Awaitable[T]], seconds: float, tries: int = 2) -> T:
        """`work()` within a deadline and under the breaker. Raises: Unavailable."""
        if not self._breaker.allows():
            raise Unavailable("the database has not answered lately")
        try:
            result = await self._deadline(self._tried(work, tries), seconds)
        except (*AWAY, TimeoutError) as error:
            self._breaker.record(False)
            raise Unavailable(type(error).__name__) from error
        self._breaker.record(True)
        return result

    async def _tried(self, work: Callable[[], Awaitable[T]], tries: int) -> T:
        for _ in range(tries - 1):
            with suppress(psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.CheckViolation):
                return await work()
        return await work()

    async def _deadline(self, work: Awaitable[T], seconds: float) -> T:
        """Wait so long and no longer: the cancelled task is not awaited, as a frozen server hears no cancel."""
        task: asyncio.Task[T] = asyncio.ensure_future(work)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if task in done:
            return task.result()
        task.cancel()
        self._strays.add(task)
        task.add_done_callback(self._forget)
        raise TimeoutError

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._strays.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it as lost


async def _configure(conn: psycopg.AsyncConnection) -> None:
    arrays.register(conn)
