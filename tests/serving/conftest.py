"""The app inside this process, on a database of the test's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.settings import Settings
from nextpick.store import impressions
from nextpick.store.impressions import Impression
from serving.app import create_app
from tests.published import Version, fill, publish


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read may take its time: these tests run on machines that do other things too."""
    monkeypatch.setattr("serving.database.READ_SECONDS", 3.0)


def settings_for(database_url: str, **changes: Any) -> Settings:
    """Settings that read no file and no environment of the machine."""
    values: dict[str, Any] = {"database_url": database_url, "api_open_to_loopback": True, **changes}
    return Settings(_env_file=None, **values)


@asynccontextmanager
async def running(app: FastAPI, peer: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
    """A client of the started app, calling from `peer`. A fault inside answers 500 instead of failing the test."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(peer, 40000))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        await app.state.service.follower.poll()
        await app.state.service.keyring.poll()
        yield client


@pytest.fixture
def release_id(conn: psycopg.Connection, version: Version) -> int:
    """The world, loaded and published."""
    fill(conn)
    conn.commit()
    return publish(conn, version)


@pytest.fixture
async def app(database_url: str) -> FastAPI:
    return create_app(settings_for(database_url))


@pytest.fixture
async def client(app: FastAPI, release_id: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app with a release live."""
    async with running(app) as client:
        yield client


async def kept(conn: psycopg.Connection, body: dict[str, Any]) -> Impression:
    """What the service keeps of an answer, once it is written."""
    for _ in range(100):
        found = impressions.get(conn, UUID(body["recommendation_id"]))
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("the answer was not kept within 5 s")
