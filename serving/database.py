"""Postgres as the service sees it: one short statement at a time, with a deadline, or `Unavailable` at once."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from serving.breaker import Breaker
from serving.connections import Connections
from serving.lane import Lane, Row

READ_SECONDS = 0.15  # a read that takes longer is answered without the database
WRITE_SECONDS = 5.0
KNOCK_SECONDS = 1.0  # until the pool is asked for a connection again
LANES = 4  # connections for statements that answer with a row
BESIDES = 4  # and at most so many for what is written by COPY
WAITING = 256  # for a lane, at most

T = TypeVar("T")
# What says that Postgres is away rather than that a statement is wrong.
AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.ReadOnlySqlTransaction,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)

# What one more try may mend: a dead connection, a partition that just came, a statement prepared before a migration.
AGAIN = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.CheckViolation,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.InvalidSqlStatementName,
)

# What says that it is there and has no room: nothing to do with whether it can be read.
FULL = (
    psycopg.errors.InsufficientResources,
    psycopg.errors.DiskFull,
    psycopg.errors.OutOfMemory,
    psycopg.errors.ConfigurationLimitExceeded,
)


class Unavailable(Exception):
    """The database did not answer in time, or is known to be away."""


class NoRoom(Unavailable):
    """The database has no room for what it was given. It can be read."""


class Database:
    """Autocommit connections that come up by themselves whenever Postgres does."""

    def __init__(self, url: str, lanes: int = LANES) -> None:
        self._most = lanes
        self._breaker = Breaker()
        self._strays: set[asyncio.Task[Any]] = set()
        self._free: list[Lane] = []
        self._lanes = 0  # free, in use, or being opened
        self._queue: deque[asyncio.Future[Lane]] = deque()
        self._connections = Connections(url, lanes + 1, lanes + BESIDES)

    async def open(self) -> None:
        """Start connecting in the background; a database that is away is no error here."""
        await self._connections.open()

    async def close(self) -> None:
        """Close all connections, without waiting for statements that hang."""
        for task in self._strays:
            task.cancel()
        if self._strays:
            await asyncio.wait(self._strays, timeout=0.1)
        while self._free:
            await self._left(self._free.pop())
        await self._connections.close()

    @property
    def waiting(self) -> int:
        """Statements that wait for a connection."""
        return len(self._queue)

    async def fetch_one(
        self, query: str, parameters: Mapping[str, Any] | None = None, seconds: float | None = None
    ) -> Row | None:
        """The first row of one statement, which is run again once where that may mend it (`AGAIN`).

        So the statement must be safe to repeat. READ_SECONDS is the time it has unless told otherwise.

        Raises: Unavailable.
        """
        if not self._breaker.allows():
            raise Unavailable("the database has not answered lately")
        until = asyncio.get_running_loop().time() + (READ_SECONDS if seconds is None else seconds)
        with self._counted():
            try:
                return await self._row(query, parameters or {}, until)
            except FULL:
                raise
            except AGAIN:
                return await self._row(query, parameters or {}, until)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """One try. Raises: Unavailable for what says that Postgres is away, or has no room."""
        began = self._breaker.begin()
        try:
            yield
        except FULL as error:
            self._breaker.record(True, began)
            raise NoRoom(type(error).__name__) from error
        except (*AWAY, TimeoutError) as error:
            self._breaker.record(False, began)
            raise Unavailable(type(error).__name__) from error
        except psycopg.Error:
            self._breaker.record(True, began)  # it answers; the statement is at fault
            raise
        self._breaker.record(True, began)

    async def _row(self, query: str, parameters: Mapping[str, Any], until: float) -> Row | None:
        lane = self._free.pop() if self._free else await self._lane(until)
        while lane.broken:  # its end came while nobody looked
            await self._left(lane)
            lane = self._free.pop() if self._free else await self._lane(until)
        try:
            return await lane.fetch_one(query, parameters, until - asyncio.get_running_loop().time())
        finally:
            if lane.broken:
                await self._left(lane)
            else:
                self._give(lane)

    async def _lane(self, until: float) -> Lane:
        """A lane, once there is one. Raises: TimeoutError; TooManyRequests."""
        loop = asyncio.get_running_loop()
        while self._queue and self._queue[0].done():  # those who waited in vain are nobody's hindrance
            self._queue.popleft()
        if len(self._queue) >= WAITING:
            raise TooManyRequests(f"{WAITING} statements wait for a connection")
        self._more_lanes()
        waiting: asyncio.Future[Lane] = loop.create_future()
        self._queue.append(waiting)
        timer = loop.call_later(until - loop.time(), _too_late, waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self._give(waiting.result())  # it was handed the lane just before
            raise
        finally:
            timer.cancel()

    async def _open_lane(self) -> None:
        """For whoever waits longest; who asked for it may have given up long before, as may the next.

        The pool gives up connecting after a second, and begins anew only where somebody asks: so it is asked again and
        again, as long as anybody waits. Asked once, with all lanes waiting, a Postgres that is back is left alone.
        """
        try:
            while True:
                try:
                    conn = await self._connections.get(KNOCK_SECONDS)
                    break
                except PoolTimeout:
                    if all(waiting.done() for waiting in self._queue):
                        raise
            self._give(Lane(conn))
        except BaseException:
            self._lanes -= 1
            raise

    def _give(self, lane: Lane) -> None:
        """To whoever waits longest, or to the next."""
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.done():
                waiting.set_result(lane)
                return
        self._free.append(lane)

    async def _left(self, lane: Lane) -> None:
        """Give a lane's connection back to the pool, which replaces a broken one; whoever waits for it has another."""
        self._lanes -= 1
        lane.close()
        await self._connections.put(lane.conn)
        if self._queue:
            self._more_lanes()

    def _more_lanes(self) -> None:
        if self._lanes < self._most:
            self._lanes += 1
            self._stray(asyncio.create_task(self._open_lane()))

    async def copy(self, statement: str, data: bytes, seconds: float = WRITE_SECONDS) -> None:
        """COPY `data`, whole or not at all. Not repeated: a lost connection may have lost only the answer.

        Raises: Unavailable; psycopg.Error where Postgres refuses the rows.
        """

        async def work() -> None:
            pool = await self._connections.pool()
            async with (
                pool.connection(timeout=seconds) as conn,
                conn.cursor() as cursor,
                cursor.copy(statement) as copy,
            ):
                await copy.write(data)

        if not self._breaker.allows():
            raise Unavailable("the database has not answered lately")
        with self._counted():
            await self._deadline(work(), seconds)

    async def _deadline(self, work: Awaitable[T], seconds: float) -> T:
        """Wait so long and no longer: the cancelled task is not awaited, as a frozen server hears no cancel."""
        task: asyncio.Task[T] = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task}, timeout=seconds)
            if task.done():
                return task.result()
            raise TimeoutError
        finally:
            if not task.done():
                task.cancel()
                self._stray(task)

    def _stray(self, task: asyncio.Task[Any]) -> None:
        self._strays.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._strays.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio does not log it as lost


def _too_late(waiting: asyncio.Future[Lane]) -> None:
    if not waiting.done():
        waiting.set_exception(TimeoutError())
