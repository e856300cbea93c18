"""GET and DELETE /users/{id}, GET /releases/current."""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.store import impressions
from serving.app import create_app
from serving.problems import Problem
from tests.serving.conftest import kept, running, settings_for

pytestmark = pytest.mark.anyio


async def test_a_user_is_described(client: httpx.AsyncClient, conn: psycopg.Connection, release_id: int) -> None:
    (listed,) = (
        conn.execute("SELECT cardinality(item_rows) FROM nextpick.lists WHERE user_id = 'tea00'").fetchone() or ()
    )
    body = (await client.get("/users/tea00")).json()
    assert (body["user_id"], body["events"], body["kinds"]) == ("tea00", 41, {"purchase": 41})
    assert body["last_event_at"] == "2025-11-12T18:00:00+00:00"
    assert (body["release"], body["listed"]) == (release_id, listed)
    conn.execute("DELETE FROM nextpick.events WHERE user_id = 'tea01'")
    conn.commit()
    body = (await client.get("/users/tea01")).json()
    assert (body["events"], body["last_event_at"], body["listed"] > 0) == (0, None, True), "the list is known still"
    response = await client.get("/users/who")
    assert (response.status_code, response.json()["type"]) == (404, "urn:nextpick:problem:unknown-user")


async def test_an_erased_user_is_unknown_to_the_next_answer(client: httpx.AsyncClient) -> None:
    async def answer(user_id: str) -> list[str]:
        body = (await client.post("/recommend", json={"user_id": user_id})).json()
        return [item["item_id"] for item in body["items"]]

    assert await answer("tea00") != await answer("nobody")
    response = await client.delete("/users/tea00")
    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["deleted"]["events"], body["deleted"]["lists"]) == (41, 1)
    assert datetime.fromisoformat(body["copies_until"]) > datetime.now(UTC)
    assert body["receipt"][0].startswith("Erased tea00 at ")
    assert await answer("tea00") == await answer("nobody")
    assert (await client.get("/users/tea00")).status_code == 404


async def test_who_is_erased_begins_anew(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/users/tea00")).status_code == 200
    assert (await client.delete("/users/tea00")).json()["deleted"]["events"] == 0
    late = {"user_id": "tea00", "item_id": "tea-00", "kind": "purchase", "occurred_at": "2025-11-12T17:00:00Z"}
    assert (await client.post("/events", json=late)).json()["accepted"] == 0
    assert (await client.get("/users/tea00")).status_code == 404
    del late["occurred_at"]
    assert (await client.post("/events", json=late)).json()["accepted"] == 1
    assert (await client.get("/users/tea00")).json()["events"] == 1


async def test_an_erasure_that_may_not_have_happened_is_a_503(
    app: FastAPI, release_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(app) as client:
        monkeypatch.setattr("serving.users.connect", _refusing)
        response = await client.delete("/users/tea00")
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")
        assert (await client.get("/users/tea00")).status_code == 200


def _refusing(_: str) -> None:
    raise psycopg.OperationalError("gone")


async def test_the_release_that_is_served_is_told(client: httpx.AsyncClient, release_id: int) -> None:
    body = (await client.get("/releases/current")).json()
    assert (body["release"], body["model_version"], body["items"]) == (release_id, "1", 30)
    assert "als" in body["generators"]


async def test_before_the_first_release_reads_say_how_to_get_one(app: FastAPI) -> None:
    async with running(app) as client:
        for path in ("/releases/current", "/popular", "/items/tea-00/similar"):
            response = await client.get(path)
            assert response.status_code == 503
            assert "nextpick publish" in response.json()["detail"]


async def test_where_there_is_no_project_the_models_own_parameters_say_when_copies_go(
    database_url: str, release_id: int, tmp_path: Path
) -> None:
    async with running(create_app(settings_for(database_url, project=tmp_path))) as client:
        body = (await client.delete("/users/tea00")).json()
    kept = datetime.fromisoformat(body["copies_until"]) - datetime.fromisoformat(body["erased_at"])
    assert kept.days == 31


async def test_answers_that_wait_to_be_stored_go_with_their_user(
    client: httpx.AsyncClient, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.impressions.GATHER_SECONDS", 1.0)
    for user_id in ("tea00", "tea01"):
        await client.post("/recommend", json={"user_id": user_id})
    assert (await client.delete("/users/tea00")).status_code == 200
    stored: list[str] = []
    async with asyncio.timeout(20):
        while "tea01" not in stored:
            await asyncio.sleep(0.05)
            stored = [row[0] for row in conn.execute("SELECT user_id FROM nextpick.impressions")]
            conn.rollback()
    assert stored == ["tea01"]


async def test_an_answer_from_before_an_erasure_is_told_to_nobody(
    client: httpx.AsyncClient, conn: psycopg.Connection, app: FastAPI
) -> None:
    body = (await client.post("/recommend", json={"user_id": "tea00"})).json()
    stored = await kept(conn, body)
    conn.execute("INSERT INTO nextpick.erased_users (user_id, erased_at) VALUES ('tea00', %s)", (stored.answered_at,))
    assert impressions.get(conn, stored.recommendation_id) is None


async def test_while_the_first_release_is_loaded_that_is_what_is_said(
    database_url: str, release_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading = threading.Event()
    monkeypatch.setattr("serving.arm.load_and_try", lambda *_: loading.wait(30))
    app = create_app(settings_for(database_url))
    async with app.router.lifespan_context(app):
        follower = app.state.service.follower
        async with asyncio.timeout(20):
            while follower.problem is None:
                await asyncio.sleep(0.02)
        with pytest.raises(Problem, match=f"Release {release_id} is being loaded"):
            follower.served()
        loading.set()
