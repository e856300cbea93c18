"""With too many requests at once, what is taken in is answered soon, and the rest is told to come again."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from serving.edge import Edge
from serving.load import Load
from serving.metrics import Metrics

pytestmark = pytest.mark.anyio


class Slow:
    """An app whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.go, self.busiest = asyncio.Event(), 0
        self.load, self.metrics = Load(heavy=2, full=4), Metrics()
        app = FastAPI()

        @app.get("/work")
        @app.get("/health/live")
        async def work() -> dict[str, Any]:
            self.busiest = max(self.busiest, self.load.requests)
            heavy = self.load.heavy
            await self.go.wait()
            return {"heavy": heavy}

        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(Edge(app, self.metrics, self.load)), base_url="http://127.0.0.1"
        )


async def test_beyond_the_second_limit_requests_are_refused_at_once_and_beyond_the_first_it_is_known() -> None:
    slow = Slow()
    async with slow.client as client:
        asked = [asyncio.create_task(client.get("/work")) for _ in range(10)]
        done, waiting = await asyncio.wait(asked, timeout=0.3)
        assert len(done) == 6
        for refused in done:
            answer = refused.result()
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["x-request-id"]
            assert answer.json()["type"] == "urn:nextpick:problem:overloaded"
            assert answer.json()["detail"] == "4 requests are being answered already. Send this again."
        slow.go.set()
        taken = await asyncio.gather(*waiting)
        assert sorted(answer.json()["heavy"] for answer in taken) == [False, False, True, True]
        assert slow.busiest == 4
        assert slow.load.requests == 0
        assert (await client.get("/work")).status_code == 200


async def test_whoever_watches_the_service_is_answered_whatever_there_is_to_do() -> None:
    slow = Slow()
    async with slow.client as client:
        asked = [asyncio.create_task(client.get("/work")) for _ in range(4)]
        asked.append(asyncio.create_task(client.get("/health/live")))
        done, _ = await asyncio.wait(asked, timeout=0.3)
        assert not done
        slow.go.set()
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 5


async def test_requests_that_fail_are_counted_out_too() -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("broken")

    load, metrics = Load(), Metrics()
    transport = httpx.ASGITransport(Edge(broken, metrics, load))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/work")).status_code == 500
    assert load.requests == 0
    assert 'route="unmatched",status="500"' in metrics.text().decode()
