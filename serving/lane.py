"""A connection for statements that answer with a row, asked through libpq itself.

psycopg's cursors do much that a read of one row needs none of, and cost several times what Postgres's own library
does. Here a statement is prepared once a connection; then its parameters go out and its row comes in, each in the
formats psycopg would choose, by psycopg's own adapters. Format: PostgreSQL's documentation of libpq, "Asynchronous
Command Processing".
"""

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import lookup

_NAMED = re.compile(rb"%(?:%|\((\w+)\)s)")
_BINARY = pq.Format.BINARY
_FINE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)
_OUTDATED = ("0A000", "26000")  # a prepared statement's columns changed; or Postgres knows it no more
_NO_ROOM = "53"  # the class of states that say so, and nothing about the connection
Row = tuple[Any, ...]


class Lane:
    """One autocommit connection, one statement at a time. Once `broken`, it must be thrown away."""

    def __init__(self, conn: psycopg.AsyncConnection) -> None:
        self.conn = conn
        self.broken = False
        self._pg, self._loop = conn.pgconn, asyncio.get_running_loop()
        self._dumper = Transformer(conn)
        self._loaders: dict[bytes, Any] = {}  # of Transformers, which know a statement's columns
        self._prepared: dict[tuple[str, tuple[int, ...]], bytes] = {}
        self._outdated: list[bytes] = []  # prepared before something changed: not to be used any more
        self._numbers = count()
        self._fault: Exception | None = None  # why it is broken, where nobody waited to be told
        self._waiting: asyncio.Future[None] | None = None
        self._socket = self._pg.socket
        self._loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Leave the connection to its pool, closed where it is broken. What it is doing is not waited for."""
        self._loop.remove_reader(self._socket)
        if self.broken:
            self._pg.finish()

    async def fetch_one(self, query: str, parameters: Mapping[str, Any], seconds: float) -> Row | None:
        """The first row of a statement with named parameters.

        Raises: TimeoutError; psycopg.Error as a cursor would. The lane is broken after the first, and where the
        connection is.
        """
        statement, names = _compiled(query)
        values = self._dumper.dump_sequence([parameters[name] for name in names], _auto(len(names)))
        timer = self._loop.call_later(seconds, self._end, TimeoutError())
        try:
            if self._outdated:
                await self._deallocate()
            types = self._dumper.types or ()
            name = self._prepared.get((query, types))
            if name is None:
                name = b"lane%d" % next(self._numbers)
                self._pg.send_prepare(name, statement, types)
                self._check(await self._result())
                self._prepared[query, types] = name
            self._go_on()
            self._pg.send_query_prepared(name, values, self._dumper.formats, _BINARY)
            return self._first(name, self._check(await self._result()))
        except (psycopg.OperationalError, asyncio.CancelledError) as error:
            self.broken = self.broken or not str(getattr(error, "sqlstate", None)).startswith(_NO_ROOM)
            raise
        finally:
            timer.cancel()

    async def _deallocate(self) -> None:
        """Have Postgres forget too. Where it already has, it says so, and that is as good."""
        self._pg.send_query(b"; ".join(b"DEALLOCATE " + name for name in self._outdated))
        await self._result()
        self._outdated.clear()
        self._go_on()

    def _go_on(self) -> None:
        """Raises: what broke the lane between an answer's coming and its being looked at."""
        if self._fault is not None:
            raise self._fault

    async def _result(self) -> pq.abc.PGresult:
        """The last result of what was sent."""
        while self._pg.flush():  # more than the socket takes at once
            self._loop.add_writer(self._socket, self._writable)
            try:
                await self._until()
            finally:
                self._loop.remove_writer(self._socket)
        last = None
        while True:
            while self._pg.is_busy():
                await self._until()
            result = self._pg.get_result()
            if result is None:
                break
            last = result
        if last is None:
            raise psycopg.OperationalError("the connection gave no result")
        return last

    async def _until(self) -> None:
        self._go_on()
        self._waiting = self._loop.create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _readable(self) -> None:
        """Something came, though maybe no more than the end."""
        try:
            self._pg.consume_input()
        except psycopg.Error as error:
            self._loop.remove_reader(self._socket)
            self._end(psycopg.OperationalError(str(error)))
            return
        if self._waiting is not None and not self._waiting.done() and not self._pg.is_busy():
            self._waiting.set_result(None)

    def _writable(self) -> None:
        """The socket takes more. libpq counts as busy meanwhile, as there is no answer yet."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _end(self, error: Exception) -> None:
        self.broken, self._fault = True, error
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)

    def _check(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status in _FINE:
            return result
        if self._pg.status != pq.ConnStatus.OK:
            self.broken = True
        state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        if state in _OUTDATED:  # of one statement; others read the same tables
            self._outdated += self._prepared.values()
            self._prepared.clear()
            self._loaders.clear()
        message = result.error_message.decode(errors="replace") if result.error_message else "no message"
        raise (_error(state) or (psycopg.OperationalError if self.broken else psycopg.DatabaseError))(message)

    def _first(self, name: bytes, result: pq.abc.PGresult) -> Row | None:
        if not result.ntuples:
            return None
        loader = self._loaders.get(name)
        known = loader is not None
        if loader is None:
            loader = self._loaders[name] = Transformer(self.conn)
        loader.set_pgresult(result, set_loaders=not known, format=_BINARY)
        return loader.load_row(0, tuple)


@lru_cache(256)
def _compiled(query: str) -> tuple[bytes, tuple[str, ...]]:
    """A statement with $1, $2, ... for its named parameters, and their names in that order."""
    names: dict[str, int] = {}

    def number(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            return b"%"
        return b"$%d" % (names.setdefault(found[1].decode(), len(names)) + 1)

    return _NAMED.sub(number, query.encode()), tuple(names)


@lru_cache(64)
def _auto(n: int) -> list[PyFormat]:
    return [PyFormat.AUTO] * n


def _error(state: str) -> type[psycopg.Error] | None:
    try:
        return lookup(state)
    except KeyError:
        return None
