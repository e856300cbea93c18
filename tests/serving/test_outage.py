"""Postgres away or frozen: reads are answered from memory and say so, events are refused clearly, and it heals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import httpx
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from serving.app import create_app
from tests.serving.conftest import running, settings_for

pytestmark = pytest.mark.anyio
EVENT = {"user_id": "tea03", "item_id": "tea-00", "kind": "purchase", "event_id": "kept"}


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a read has little time, as in production."""
    monkeypatch.setattr("serving.database.READ_SECONDS", 0.2)


class Gate:
    """A TCP proxy in front of Postgres that can be shut (connections cut and refused) or frozen (nothing passes)."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._open, self._flowing = True, asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            self.shut()
            for task in self._tasks:
                task.cancel()

    def shut(self) -> None:
        self._open = False
        for writer in self._writers:
            writer.transport.abort()

    def freeze(self) -> None:
        self._flowing.clear()

    def heal(self) -> None:
        self._open = True
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            sink.transport.abort()
            self._writers.discard(sink)


@asynccontextmanager
async def behind_gate(database_url: str) -> AsyncIterator[tuple[httpx.AsyncClient, Gate]]:
    """A running app that reaches Postgres through a gate."""
    there = conninfo_to_dict(database_url)
    gate = Gate(str(there["host"]), int(str(there["port"])))
    async with gate.listening() as port:
        url = make_conninfo(database_url, host="127.0.0.1", port=port)
        async with running(create_app(settings_for(url))) as client:
            yield client, gate


async def ask(client: httpx.AsyncClient) -> tuple[bool, float]:
    start = perf_counter()
    response = await client.post("/recommend", json={"user_id": "tea03"})
    assert response.status_code == 200, response.text
    assert len(response.json()["items"]) == 10
    return response.json()["degraded"], perf_counter() - start


async def wait_until_whole(client: httpx.AsyncClient, seconds: float) -> None:
    end = perf_counter() + seconds
    while (await ask(client))[0] or (await client.get("/health/ready")).status_code != 200:
        assert perf_counter() < end, f"still degraded {seconds} s after the database came back"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", ["shut", "freeze"])
async def test_reads_go_on_without_the_database_and_are_whole_again_after(
    database_url: str, release_id: int, how: str
) -> None:
    async with behind_gate(database_url) as (client, gate):
        assert not (await ask(client))[0]
        getattr(gate, how)()
        answers = [await ask(client) for _ in range(30)]
        answers += await asyncio.gather(*(ask(client) for _ in range(30)))
        assert all(degraded for degraded, _ in answers)
        assert max(seconds for _, seconds in answers) < 1.0
        assert sorted(seconds for _, seconds in answers)[30] < 0.1  # the breaker spares most of them the wait
        ready = await client.get("/health/ready")
        assert ready.status_code == 503
        assert "the database does not answer" in ready.json()["reasons"][0]
        gate.heal()
        await wait_until_whole(client, 5)
        assert (await client.get("/health/ready")).json()["status"] == "ready"


@pytest.mark.parametrize("how", ["shut", "freeze"])
async def test_an_outage_that_more_waited_through_in_vain_than_may_wait_ends_too(
    database_url: str, release_id: int, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.database.WAITING", 3)
    monkeypatch.setattr("serving.connections.FORGOTTEN", 3)
    async with behind_gate(database_url) as (client, gate):
        getattr(gate, how)()
        end = perf_counter() + 8  # a pool gives up connecting after a second
        while perf_counter() < end:
            assert (await ask(client))[0]
            await asyncio.sleep(0.05)
        gate.heal()
        await wait_until_whole(client, 10)


async def test_events_are_refused_while_the_database_is_away_and_none_is_doubled(
    database_url: str, release_id: int, conn: psycopg.Connection
) -> None:
    async with behind_gate(database_url) as (client, gate):
        assert (await client.post("/events", json=EVENT)).json()["accepted"] == 1
        gate.shut()
        response = await client.post("/events", json={**EVENT, "event_id": "later"})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert "same event_id" in response.json()["detail"]
        assert 'nextpick_events_total{outcome="refused"} 1.0' in (await client.get("/metrics")).text
        gate.heal()
        await wait_until_whole(client, 5)
        for _ in range(2):
            response = await client.post("/events", json={**EVENT, "event_id": "later"})
        assert response.json() == {"accepted": 0, "duplicates": 1}
    stored = conn.execute("SELECT event_id FROM nextpick.events WHERE event_id IN ('kept', 'later')").fetchall()
    assert sorted(stored) == [("kept",), ("later",)]


async def test_impressions_of_an_outage_are_stored_once_it_is_over(
    database_url: str, release_id: int, conn: psycopg.Connection
) -> None:
    async with behind_gate(database_url) as (client, gate):
        await ask(client)
        gate.shut()
        for _ in range(5):
            await ask(client)
        gate.heal()
        await wait_until_whole(client, 5)
    row = conn.execute("SELECT count(*), count(DISTINCT recommendation_id) FROM nextpick.impressions").fetchone()
    assert row is not None
    assert row[0] == row[1] >= 7
