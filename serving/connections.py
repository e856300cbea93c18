"""Connections to Postgres, which come back after any outage, however long it was."""

import asyncio
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from nextpick.store import arrays

FORGOTTEN = 256  # that wait in a pool, nearly all of whom have long gone: no more than a dozen ever do at once


class Connections:
    """A pool of autocommit connections, and a new one where its queue is full of those who waited in vain.

    psycopg_pool keeps whoever waited in vain until a connection comes. Told of a most that may wait
    (`max_waiting`), it refuses everybody from then on, and as it connects only for those whom it lets wait, it never
    would again; told of none, an outage of a day takes hundreds of megabytes.
    """

    def __init__(self, url: str, least: int, most: int) -> None:
        self._url, self._least, self._most = url, least, most
        self._pool = self._made()
        self._lender: dict[psycopg.AsyncConnection, AsyncConnectionPool] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Start connecting in the background; a database that is away is no error here."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """Close all of them that nobody has."""
        await asyncio.gather(self._pool.close(timeout=1.0), *self._leaving)

    async def pool(self) -> AsyncConnectionPool:
        """The pool to take one from, just now."""
        if self._pool.get_stats()["requests_waiting"] >= FORGOTTEN:
            old, self._pool = self._pool, self._made()
            leaving = asyncio.create_task(old.close(timeout=1.0))  # what it has lent is closed when it comes back
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            await self._pool.open(wait=False)
        return self._pool

    async def get(self, seconds: float) -> psycopg.AsyncConnection:
        """One to keep until it is put back. Raises: psycopg_pool.PoolTimeout; PoolClosed."""
        pool = await self.pool()
        try:
            conn = await pool.getconn(seconds)
        except PoolClosed:
            if pool is self._pool:
                raise
            raise PoolTimeout("another pool has taken its place") from None
        self._lender[conn] = pool
        return conn

    async def put(self, conn: psycopg.AsyncConnection) -> None:
        """Give one back; a broken one is replaced."""
        await self._lender.pop(conn).putconn(conn)

    def _made(self) -> AsyncConnectionPool[Any]:
        return AsyncConnectionPool(
            self._url,
            open=False,
            min_size=self._least,
            max_size=self._most,
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


async def _configure(conn: psycopg.AsyncConnection) -> None:
    arrays.register(conn)
