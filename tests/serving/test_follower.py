"""The service follows the live pointer and takes over nothing it has not tried."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.store import releases
from serving.follower import Follower
from tests.published import Version, fill, publish
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio


async def served(client: httpx.AsyncClient) -> int:
    return int((await client.post("/recommend", json={"user_id": "tea03"})).json()["release"])


async def load_errors(client: httpx.AsyncClient) -> float:
    text = (await client.get("/metrics")).text
    return float(text.split("\nnextpick_release_load_errors_total ")[1].split("\n")[0])


def follower(app: FastAPI) -> Follower:
    found: Follower = app.state.service.follower
    return found


async def test_the_first_release_and_the_next_are_picked_up_without_a_restart(
    app: FastAPI, conn: psycopg.Connection, version: Version
) -> None:
    async with running(app) as client:
        assert (await client.post("/recommend", json={"user_id": "tea03"})).status_code == 503
        await asyncio.to_thread(fill, conn)
        conn.commit()
        for _ in range(2):
            release_id = await asyncio.to_thread(publish, conn, version)
            for _ in range(100):
                response = await client.post("/recommend", json={"user_id": "tea03"})
                if response.status_code == 200 and response.json()["release"] == release_id:
                    break
                await asyncio.sleep(0.05)
            assert await served(client) == release_id


async def test_a_flip_and_a_hidden_item_are_told_and_not_waited_for(
    app: FastAPI, release_id: int, conn: psycopg.Connection, version: Version, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.follower.POLL_SECONDS", 60.0)
    async with running(app):
        for _ in range(200):  # until it listens
            conn.execute("SELECT pg_stat_clear_snapshot()")
            if conn.execute(
                "SELECT FROM pg_stat_activity WHERE application_name = 'nextpick-api-listens' AND state = 'idle'"
            ).fetchone():
                break
            await asyncio.sleep(0.05)
        conn.commit()
        second = await asyncio.to_thread(publish, conn, version)
        conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = 'tea-00'")
        conn.execute("SELECT pg_notify('nextpick_live', 'items')")
        conn.commit()
        for _ in range(200):
            current = follower(app).current
            if current and current.loaded.release_id == second and current.hidden_ids == {"tea-00"}:
                return
            await asyncio.sleep(0.05)
        pytest.fail("not told")


async def test_a_rollback_of_the_pointer_is_followed_too(
    app: FastAPI, release_id: int, conn: psycopg.Connection, version: Version
) -> None:
    second = publish(conn, version)
    async with running(app) as client:
        assert await served(client) == second
        releases.flip(conn, release_id)
        conn.commit()
        await follower(app).poll()
        assert await served(client) == release_id


@pytest.mark.parametrize("fault", ["absent", "changed"])
async def test_a_bundle_that_cannot_be_trusted_leaves_the_old_release_serving(
    app: FastAPI,
    release_id: int,
    conn: psycopg.Connection,
    version: Version,
    fault: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("serving.follower.POLL_SECONDS", 60.0)  # longer than a slow machine takes for two looks
    bad = publish(conn, version, flip=False)
    change = {"absent": ("bundle_uri", str(tmp_path / "nowhere")), "changed": ("bundle_sha256", "0" * 64)}[fault]
    conn.execute(
        f"UPDATE nextpick.releases SET {change[0]} = %s WHERE release_id = %s",  # noqa: S608 - a constant of this test
        (change[1], bad),
    )
    async with running(app) as client:
        releases.flip(conn, bad)
        conn.commit()
        await follower(app).poll()
        await follower(app).poll()
        assert await served(client) == release_id
        assert await load_errors(client) == 1.0  # the second look waits before it tries again
        assert f"release {bad} cannot be served" in str(follower(app).problem)


async def test_lists_that_this_code_would_score_otherwise_are_refused(
    app: FastAPI, release_id: int, conn: psycopg.Connection, version: Version
) -> None:
    bad = publish(conn, version, flip=False)
    conn.execute(
        "UPDATE nextpick.lists SET scores = array(SELECT s + 1 FROM unnest(scores) AS s) WHERE release_id = %s", (bad,)
    )
    async with running(app) as client:
        releases.flip(conn, bad)
        conn.commit()
        await follower(app).poll()
        assert await served(client) == release_id
        assert "stored other scores than this code computes" in str(follower(app).problem)


async def test_a_release_made_for_other_item_features_is_refused(
    app: FastAPI, conn: psycopg.Connection, version: Version
) -> None:
    fill(conn)
    conn.commit()
    bad = publish(conn, replace(version, lineage={"data_md5": "x"}))
    conn.execute(
        "UPDATE nextpick.releases SET lineage = jsonb_set(lineage, '{item_features}', '[\"height\"]') "
        "WHERE release_id = %s",
        (bad,),
    )
    conn.commit()
    async with running(app) as client:
        response = await client.post("/recommend", json={"user_id": "tea03"})
        assert response.status_code == 503
        assert "lacks the item features popularity_7d" in response.json()["detail"]
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["reasons"]) == (503, [response.json()["detail"]])


async def test_requests_during_flips_never_fail_and_never_mix_releases(
    app: FastAPI, release_id: int, conn: psycopg.Connection, version: Version
) -> None:
    other = publish(conn, replace(version, version="2"))
    async with running(app) as client:
        done = asyncio.Event()

        async def ask() -> set[tuple[int, str]]:
            seen = set()
            while not done.is_set():
                response = await client.post("/recommend", json={"user_id": "tea03"})
                assert response.status_code == 200
                body = response.json()
                assert not body["degraded"]
                assert {item["source"] for item in body["items"]} == {"reranked"}
                seen.add((body["release"], body["model_version"]))
            return seen

        asking = [asyncio.create_task(ask()) for _ in range(4)]
        for number in range(6):
            releases.flip(conn, release_id if number % 2 else other)
            conn.commit()
            await follower(app).poll()
            await asyncio.sleep(0.02)
        done.set()
        seen = set().union(*await asyncio.gather(*asking))
    assert seen == {(release_id, "1"), (other, "2")}
