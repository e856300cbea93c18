"""Trouble stays where it is: no room to write takes no reads away, and a table that is locked no answers."""

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from serving.breaker import FAILURES
from serving.database import Database, NoRoom, Unavailable
from tests.serving.test_recommend import recommend

pytestmark = pytest.mark.anyio
FULL = "SELECT nextpick.full()"


@pytest.fixture
def full_disk(conn: psycopg.Connection) -> None:
    """A function that finds the disk full."""
    conn.execute(
        "CREATE FUNCTION nextpick.full() RETURNS int LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'No space left' USING ERRCODE = '53100'; END $$"
    )
    conn.commit()


async def test_no_room_is_told_apart_and_takes_no_reads_away(database_url: str, full_disk: None) -> None:
    database = Database(database_url)
    await database.open()
    try:
        for _ in range(2 * FAILURES):
            with pytest.raises(NoRoom, match="DiskFull"):
                await database.fetch_one(FULL, None, 15.0)
        assert await database.fetch_one("SELECT 7", None, 15.0) == (7,)
        assert len(database._free) == 1  # the connection is as good as it was
    finally:
        await database.close()


async def test_events_and_items_that_found_no_room_say_so(
    client: httpx.AsyncClient, app: Any, full_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = app.state.service
    monkeypatch.setattr(service.events, "_insert", FULL)
    monkeypatch.setattr("serving.catalogue._SQL", {"put": FULL})
    event = {"user_id": "tea03", "item_id": "tea-01", "kind": "purchase"}
    answer = await client.post("/events", json=event)
    assert (answer.status_code, "has no room left" in answer.json()["detail"]) == (503, True)
    answer = await client.put("/items", json={"items": [{"item_id": "tea-01", "title": "Tea"}]})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:nextpick:problem:database-full")
    assert (await recommend(client, "tea03"))["degraded"] is False


async def test_statements_that_wait_for_a_lock_say_nothing_of_the_others(
    database_url: str, conn: psycopg.Connection
) -> None:
    database = Database(database_url)
    await database.open()
    try:
        await database.fetch_one("SELECT 7", None, 15.0)
        for _ in range(2 * FAILURES):
            slow = asyncio.create_task(database.fetch_one("SELECT pg_sleep(60)", None, 0.2))
            await asyncio.sleep(0.05)
            assert await database.fetch_one("SELECT 7", None, 15.0) == (7,)
            with pytest.raises(Unavailable):
                await slow
    finally:
        await database.close()


async def test_a_locked_table_of_items_takes_no_answers_away(
    client: httpx.AsyncClient, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.database.READ_SECONDS", 0.5)
    await recommend(client, "tea03")
    conn.execute("LOCK TABLE nextpick.items IN ACCESS EXCLUSIVE MODE")
    reading = [asyncio.create_task(client.get("/items/tea-01")) for _ in range(24)]
    await asyncio.sleep(0.05)
    answers = [await recommend(client, "tea03") for _ in range(8)]
    assert {answer["degraded"] for answer in answers} == {False}
    assert {answer.status_code for answer in await asyncio.gather(*reading)} == {503}
    conn.rollback()
