"""POST /recommend with filters, for sessions, page by page."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from tests.published import ITEMS, Version, publish
from tests.serving.conftest import kept
from tests.serving.test_recommend import buy, ids

pytestmark = pytest.mark.anyio


async def ask(client: httpx.AsyncClient, status: int = 200, **asked: Any) -> dict[str, Any]:
    response = await client.post("/recommend", json=asked)
    assert response.status_code == status, response.text
    body: dict[str, Any] = response.json()
    return body


def sources(body: dict[str, Any]) -> set[str]:
    return {item["source"] for item in body["items"]}


async def test_categories_prices_and_ids_narrow_an_answer(client: httpx.AsyncClient) -> None:
    user = "tea03"
    for wanted in (
        {"categories": {"any": ["tool", "nowhere"]}},
        {"categories": {"none": ["tea"]}},
        {"price": {"min": 5}},
    ):
        body = await ask(client, user_id=user, top_k=15, **wanted)
        assert len(body["items"]) == 15
        assert {item[:4] for item in ids(body)} == {"tool"}
        assert body["degraded"] is False
    assert (await ask(client, user_id=user, categories={"all": ["tea", "tool"]}))["items"] == []
    assert (await ask(client, user_id=user, categories={"any": ["nowhere"]}))["items"] == []
    assert (await ask(client, user_id=user, price={"min": 3, "max": 3}, top_k=20))["cursor"] is None
    first = ids(await ask(client, user_id=user))
    assert not set(first) & set(ids(await ask(client, user_id=user, exclude_item_ids=[*first, "nobody knows it"])))


async def test_a_sessions_items_choose_and_nothing_is_stored_of_them(
    client: httpx.AsyncClient, conn: psycopg.Connection, app: FastAPI
) -> None:
    stored = conn.execute("SELECT count(*) FROM nextpick.events").fetchone()
    body = await ask(client, recent_item_ids=["tool-04", "tool-06", "not known"])
    assert body["user_id"] is None
    assert sources(body) == {"fold_in"}
    assert sum(item.startswith("tool") for item in ids(body)) >= 7
    popular = await ask(client, recent_item_ids=["not known"])
    assert sources(popular) == {"popular"}
    known = await ask(client, user_id="tea03", recent_item_ids=["tool-04", "tool-06"], top_k=30)
    assert {"reranked"} <= sources(known)
    again = await ask(client, user_id="tea03", top_k=30)
    assert ids(again) != ids(known)
    assert conn.execute("SELECT count(*) FROM nextpick.events").fetchone() == stored


async def test_a_strangers_event_changes_the_next_answer(client: httpx.AsyncClient) -> None:
    assert sources(await ask(client, user_id="stranger")) == {"popular"}
    await buy(client, "stranger", "tool-02")
    body = await ask(client, user_id="stranger")
    assert sources(body) == {"fold_in"}
    assert ids(body)[0].startswith("tool")


async def test_an_answer_to_a_session_is_kept_without_a_user(
    client: httpx.AsyncClient, conn: psycopg.Connection, app: FastAPI
) -> None:
    body = await ask(client, recent_item_ids=["tool-04"])
    stored = await kept(conn, body)
    assert (stored.user_id, list(stored.item_ids), stored.narrowed) == (None, ids(body), False)
    assert stored.features is None  # what the session looked at is not stored, so they could not be told again


async def test_pages_go_through_the_whole_catalogue_across_flips_and_events(
    client: httpx.AsyncClient, app: FastAPI, conn: psycopg.Connection, version: Version, release_id: int
) -> None:
    given: list[str] = []
    cursor = None
    for page, k in enumerate((7, 1, 9, 5, 30)):
        body = await ask(client, user_id="tea03", top_k=k, **({"cursor": cursor} if cursor else {}))
        given += ids(body)
        cursor = body["cursor"]
        if page == 1:
            await buy(client, "tea03", "tool-09")
        if page == 2:
            publish(conn, version)
            conn.commit()
            await app.state.service.follower.poll()
            assert app.state.service.follower.current.loaded.release_id > release_id
    assert cursor is None
    assert sorted(given) == sorted(ITEMS)


async def test_pages_end_where_a_cursor_would_carry_too_much(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.recommender.MOST_GIVEN", 10)
    first = await ask(client, user_id="tea03", top_k=7)
    second = await ask(client, user_id="tea03", top_k=7, cursor=first["cursor"])
    assert (len(second["items"]), second["cursor"]) == (7, None)


async def test_the_next_page_is_what_a_longer_first_one_had_shown(client: httpx.AsyncClient) -> None:
    whole = ids(await ask(client, user_id="tea03", top_k=20))
    first = await ask(client, user_id="tea03", top_k=10)
    await buy(client, "tea03", "tea-14")  # in between
    second = await ask(client, user_id="tea03", top_k=10, cursor=first["cursor"], explain=True)
    assert ids(first) + ids(second) == whole
    assert [item["rank"] for item in second["items"]] == list(range(11, 21))


async def test_a_cursor_is_good_for_its_request_only_and_nobody_makes_one_up(client: httpx.AsyncClient) -> None:
    cursor = (await ask(client, user_id="tea03", top_k=3))["cursor"]
    for asked in ({"user_id": "tea04"}, {"user_id": "tea03", "price": {"max": 9}}):
        body = await ask(client, 422, cursor=cursor, **asked)
        assert body["detail"].startswith("cursor: belongs to another request")
    for bad in ("x", "a" * 999, cursor[:-3] + "abc", cursor[5:], "=", "\u2603"):
        body = await ask(client, 422, user_id="tea03", cursor=bad)
        assert body["detail"].startswith("cursor: is not a cursor that this service gave"), bad


async def test_diversity_changes_the_order_and_not_what_may_come(client: httpx.AsyncClient) -> None:
    plain, mixed = [ids(await ask(client, user_id="tea03", top_k=10, diversity=d)) for d in (0, 0.9)]
    assert plain[0] == mixed[0]
    assert plain != mixed


async def test_each_item_is_explained_where_asked(
    client: httpx.AsyncClient, app: FastAPI, conn: psycopg.Connection
) -> None:
    body = await ask(client, user_id="tea03", explain=True)
    names = app.state.service.follower.current.loaded.bundle.features
    stored = await kept(conn, body)
    assert stored.features is not None
    als_ranks = stored.features.reshape(len(body["items"]), len(names))[:, names.index("als_rank")]
    for item, als_rank in zip(body["items"], als_ranks.tolist(), strict=True):
        told = item["explanation"]
        assert {one["generator"]: one["rank"] for one in told["proposed_by"]}["als"] == als_rank + 1
        assert told["moved"][0]["text"]
        assert told["text"].endswith(".")
    assert any(item["explanation"]["like"] for item in body["items"])
    assert "explanation" not in (await ask(client, user_id="tea03"))["items"][0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"user_id": "u", "scenario": "footer"}, "scenario: release 1 knows default, got 'footer'"),
        ({"user_id": "u", "price": {"min": 5, "max": 4}}, "price: min 5 is above max 4; nothing costs that"),
        ({"user_id": "u", "price": {"min": -1}}, "price.min: Input should be greater than or equal to 0, got -1"),
        ({"user_id": "u", "diversity": 1.5}, "diversity: Input should be less than or equal to 1, got 1.5"),
        ({"user_id": "u", "categories": {"some": ["x"]}}, "categories.some: Extra inputs are not permitted"),
        ({"user_id": "u", "recent_item_ids": ["i"] * 101}, "recent_item_ids: List should have at most 100 items"),
    ],
)
async def test_a_wrong_wish_is_named(client: httpx.AsyncClient, asked: dict[str, Any], said: str) -> None:
    assert (await ask(client, 422, **asked))["detail"].startswith(said)


async def test_what_was_done_to_a_sessions_items_is_not_made_up(client: httpx.AsyncClient) -> None:
    body = await ask(client, recent_item_ids=["tool-04", "tool-06"], top_k=30, explain=True)
    reasons = {item["item_id"]: item["reason"] for item in body["items"]}
    assert {reasons[one] for one in ("tool-04", "tool-06")} == {"You chose this a moment ago"}
    assert "You chose this a moment ago" not in {
        reason for one, reason in reasons.items() if one not in {"tool-04", "tool-06"}
    }
    said = {item["item_id"]: item["explanation"]["text"] for item in body["items"]}
    assert {said[one].split("; ")[0].rstrip(".") for one in ("tool-04", "tool-06")} == {"You chose this a moment ago"}
    others = [text for one, text in said.items() if one not in {"tool-04", "tool-06"}]
    assert any(text.startswith("Because you chose ") for text in others)
    assert not any("Because you bought " in text or "is not known" in text for text in others)


async def test_an_explanation_begins_with_the_reason_unless_it_names_what_led_to_the_item(
    client: httpx.AsyncClient,
) -> None:
    for asked in ({"user_id": "tea03", "top_k": 100}, {"user_id": "a stranger"}, {"recent_item_ids": ["tool-04"]}):
        for item in (await ask(client, explain=True, **asked))["items"]:
            said = item["explanation"]["text"]
            if said.startswith("Because "):
                assert item["reason"].startswith("Suggested by what people like you ")
            else:
                assert said.startswith(item["reason"])
