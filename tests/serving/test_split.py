"""While traffic is split each user has one release, the same each time; a challenger in the shadow is shown to none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.release.arm import is_challengers
from nextpick.store import releases, traffic
from serving.follower import Follower
from tests.published import USERS, Version, another_bundle, publish
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio
SALT = "a salt"


@pytest.fixture
def challenger(conn: psycopg.Connection, release_id: int, version: Version, tmp_path: Path) -> int:
    """Another release, which is ready."""
    other = publish(conn, another_bundle(version, tmp_path), flip=False)
    conn.commit()
    return other


def split(conn: psycopg.Connection, release_id: int, share: float, shadow: bool = False, salt: str = SALT) -> None:
    traffic.write(conn, release_id, share, shadow, salt)
    conn.commit()


@pytest.fixture
async def client(app: FastAPI, release_id: int) -> AsyncIterator[httpx.AsyncClient]:
    async with running(app) as found:
        yield found


def follower(app: FastAPI) -> Follower:
    found: Follower = app.state.service.follower
    return found


async def answered(client: httpx.AsyncClient, route: str = "/recommend", **more: object) -> dict[str, int]:
    """By user, which release answers."""
    found = {}
    for user in USERS:
        body = (await client.post(route, json={"user_id": user, **more})).json()
        found[user] = body["release"]
    return found


async def test_each_user_is_answered_by_one_release_and_what_is_kept_says_which(
    app: FastAPI, conn: psycopg.Connection, release_id: int, challenger: int
) -> None:
    split(conn, challenger, 0.5)
    theirs = {user for user in USERS if is_challengers(user, SALT, 0.5)}
    assert 0 < len(theirs) < len(USERS)
    expected = {user: challenger if user in theirs else release_id for user in USERS}
    async with running(app) as client:
        for _ in range(2):
            assert await answered(client) == expected
        assert await answered(client, "/rank", item_ids=["tea-03", "tool-01"]) == expected
        stranger = await client.post("/recommend", json={"recent_item_ids": ["tea-03"]})
        assert stranger.json()["release"] == release_id
        assert (await client.get("/releases/current")).json()["release"] == release_id
    kept = conn.execute("SELECT user_id, variant, release_id FROM nextpick.impressions WHERE user_id IS NOT NULL")
    names = {release_id: "default", challenger: "challenger"}
    assert {tuple(row) for row in kept} == {(user, names[release], release) for user, release in expected.items()}


async def test_the_end_of_the_split_is_seen_and_the_challengers_release_is_let_go(
    app: FastAPI, client: httpx.AsyncClient, conn: psycopg.Connection, release_id: int, challenger: int
) -> None:
    split(conn, challenger, 0.99)
    await follower(app).poll()
    assert challenger in (await answered(client)).values()
    traffic.end(conn)
    conn.commit()
    await follower(app).poll()
    assert set((await answered(client)).values()) == {release_id}
    assert follower(app)._challenger.current is None


async def test_a_challenger_that_cannot_be_loaded_takes_nobody_from_the_live_release(
    app: FastAPI, client: httpx.AsyncClient, conn: psycopg.Connection, release_id: int, challenger: int
) -> None:
    conn.execute("UPDATE nextpick.releases SET bundle_uri = '/nowhere' WHERE release_id = %s", (challenger,))
    split(conn, challenger, 0.99)
    await follower(app).poll()
    assert set((await answered(client)).values()) == {release_id}
    assert (await client.get("/health/ready")).status_code == 200


async def test_a_challenger_in_whose_place_is_another_answers_nobody_any_more(
    app: FastAPI,
    client: httpx.AsyncClient,
    conn: psycopg.Connection,
    release_id: int,
    challenger: int,
    version: Version,
) -> None:
    split(conn, challenger, 0.99)
    await follower(app).poll()
    assert challenger in (await answered(client)).values()
    third = publish(conn, version, flip=False)
    conn.execute("UPDATE nextpick.releases SET bundle_uri = '/nowhere' WHERE release_id = %s", (third,))
    split(conn, third, 0.99, salt="another")
    await follower(app).poll()
    assert set((await answered(client)).values()) == {release_id}
    text = (await client.get("/metrics")).text
    assert "nextpick_release_load_errors_total 0.0" in text  # which is about the live release
    assert float(text.split("\nnextpick_challenger_load_errors_total ")[1].split("\n")[0]) >= 1


async def test_a_refreshed_challenger_answers_on_with_the_lists_it_has_until_the_new_ones_are_loaded(
    app: FastAPI, client: httpx.AsyncClient, conn: psycopg.Connection, challenger: int, version: Version
) -> None:
    split(conn, challenger, 0.99)
    await follower(app).poll()
    before = await answered(client)
    fresh = publish(conn, version, flip=False)
    conn.execute("UPDATE nextpick.releases SET bundle_uri = '/nowhere' WHERE release_id = %s", (fresh,))
    split(conn, fresh, 0.99)
    await follower(app).poll()
    assert await answered(client) == before


async def overlap(client: httpx.AsyncClient) -> tuple[float, float]:
    """How many answers were compared once all were asked for, and the sum of what both have."""
    text, done = "", 0.0
    for _ in range(100):
        text = (await client.get("/metrics")).text
        done = sum(
            float(line.split()[-1]) for line in text.splitlines() if line.startswith("nextpick_shadow_answers_total{")
        )
        if done and done % len(USERS) == 0:
            break
        await asyncio.sleep(0.05)
    assert 'nextpick_shadow_answers_total{outcome="failed"} 0.0' in text
    compared = float(text.split('nextpick_shadow_answers_total{outcome="compared"} ')[1].split("\n")[0])
    return compared, float(text.split("nextpick_shadow_overlap_sum ")[1].split("\n")[0])


async def test_in_the_shadow_the_challenger_is_asked_and_shown_to_nobody(
    app: FastAPI, conn: psycopg.Connection, release_id: int, challenger: int
) -> None:
    split(conn, challenger, 1.0, shadow=True)
    async with running(app) as client:
        assert set((await answered(client)).values()) == {release_id}
        compared, same = await overlap(client)
        assert same == compared > 0  # the same model under another name
        conn.execute("DELETE FROM nextpick.lists WHERE release_id = %s", (challenger,))
        conn.commit()
        assert set((await answered(client)).values()) == {release_id}
        more, together = await overlap(client)
        assert more > compared
        assert together - same < more - compared  # it knows no list of theirs, and so it is what was asked
    kept = conn.execute("SELECT DISTINCT variant, release_id FROM nextpick.impressions").fetchall()
    assert kept == [("default", release_id)]


async def test_the_hidden_are_hidden_by_the_challenger_too(
    app: FastAPI, client: httpx.AsyncClient, conn: psycopg.Connection, challenger: int
) -> None:
    async def theirs() -> list[str]:
        found = []
        for user in USERS:
            body = (await client.post("/recommend", json={"user_id": user, "top_k": 30})).json()
            found += [item["item_id"] for item in body["items"] if body["release"] == challenger]
        return found

    split(conn, challenger, 0.99)
    await follower(app).poll()
    assert "tea-00" in await theirs()
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = 'tea-00'")
    conn.commit()
    await follower(app).poll()
    shown = await theirs()
    assert shown
    assert "tea-00" not in shown


async def test_without_a_split_nothing_is_asked_of_a_second_release(
    app: FastAPI, client: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    assert traffic.read(conn) is None
    assert releases.live(conn) is not None
    await answered(client)
    assert follower(app)._challenger.current is None
