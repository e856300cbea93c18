"""POST /rank: all that was sent comes back, in the user's order."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from tests.published import ITEMS
from tests.serving.conftest import kept
from tests.serving.test_recommend import buy, ids

pytestmark = pytest.mark.anyio


async def rank(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    response = await client.post("/rank", json=asked)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert [item["rank"] for item in body["items"]] == list(range(1, len(body["items"]) + 1))
    return body


async def test_nothing_is_left_out_and_the_unknown_and_hidden_come_last(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    hidden = await client.put("/items", json={"item_id": "tea-01", "hidden": True})
    assert hidden.status_code == 200
    await app.state.service.follower.poll()
    body = await rank(client, user_id="tea03", item_ids=["what?", "tool-01", "tea-01", "tea-00", "tool-02", "\u2603"])
    assert ids(body)[0] == "tea-00"
    assert ids(body)[3:] == ["tea-01", "what?", "\u2603"]
    assert [item["state"] for item in body["items"]] == ["ranked"] * 3 + ["hidden"] + ["unknown"] * 2
    assert [item["title"] is None for item in body["items"]] == [False] * 4 + [True] * 2
    assert all((item["score"] is None) == (item["state"] != "ranked") for item in body["items"])


async def test_five_hundred_in_any_order_give_the_same(client: httpx.AsyncClient) -> None:
    sent = [*ITEMS, *(f"no {i}" for i in range(500 - len(ITEMS)))]
    one = await rank(client, user_id="tool05", item_ids=sent)
    other = await rank(client, user_id="tool05", item_ids=sent[::-1])
    assert ids(one)[: len(ITEMS)] == ids(other)[: len(ITEMS)]
    assert sorted(ids(one)) == sorted(sent)
    assert ids(one)[0].startswith("tool")


async def test_an_event_and_a_session_change_the_order(client: httpx.AsyncClient) -> None:
    sent = list(ITEMS)
    before = ids(await rank(client, user_id="stranger", item_ids=sent))
    session = ids(await rank(client, recent_item_ids=["tool-04", "tool-06"], item_ids=sent))
    await buy(client, "stranger", "tool-04", "tool-06")
    after = ids(await rank(client, user_id="stranger", item_ids=sent))
    assert before != after
    assert sum(item.startswith("tool") for item in after[:10]) > sum(item.startswith("tool") for item in before[:10])
    assert sum(item.startswith("tool") for item in session[:10]) >= 7


async def test_it_is_explained_and_kept(client: httpx.AsyncClient, conn: psycopg.Connection) -> None:
    body = await rank(client, user_id="tea03", item_ids=["tea-00", "tool-01", "what?"], explain=True)
    assert body["items"][0]["explanation"]["moved"]
    assert "explanation" not in body["items"][2]
    stored = await kept(conn, body)
    assert (list(stored.item_ids), set(stored.sources)) == (["tea-00", "tool-01"], {"reranked"})
    assert stored.narrowed  # a place among what was sent is no place among all


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"item_ids": ["a"]}, "user_id: name a user, or the session's recent_item_ids"),
        ({"user_id": "u", "item_ids": []}, "item_ids: List should have at least 1 item"),
        ({"user_id": "u", "item_ids": ["a", "b", "a"]}, "item_ids: 'a' is in it twice; send each id once"),
        ({"user_id": "u", "item_ids": [str(i) for i in range(501)]}, "item_ids: List should have at most 500 items"),
    ],
)
async def test_a_wrong_wish_is_named(client: httpx.AsyncClient, asked: dict[str, Any], said: str) -> None:
    response = await client.post("/rank", json=asked)
    assert response.status_code == 422
    assert response.json()["detail"].startswith(said)
