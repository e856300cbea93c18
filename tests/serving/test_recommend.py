"""POST /recommend: personal, current, and never empty."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.store import events
from tests.published import ITEMS, LAST, Version, fill, interactions, publish
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio


async def recommend(client: httpx.AsyncClient, user_id: str, top_k: int = 10) -> dict[str, Any]:
    response = await client.post("/recommend", json={"user_id": user_id, "top_k": top_k})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in body["items"]]


async def buy(client: httpx.AsyncClient, user_id: str, *item_ids: str, at: datetime | None = None) -> None:
    moment = {} if at is None else {"occurred_at": at.isoformat()}
    sent = [{"user_id": user_id, "item_id": item, "kind": "purchase", **moment} for item in item_ids]
    assert (await client.post("/events", json={"events": sent})).json()["accepted"] == len(item_ids)


async def test_a_user_is_recommended_what_their_circle_buys(client: httpx.AsyncClient, release_id: int) -> None:
    body = await recommend(client, "tea03")
    assert body["release"] == release_id
    assert (body["model_version"], body["degraded"], body["user_id"]) == ("1", False, "tea03")
    assert all(item.startswith("tea-") for item in ids(body))
    assert [item["rank"] for item in body["items"]] == list(range(1, 11))
    assert {item["source"] for item in body["items"]} == {"reranked"}
    scores = [item["score"] for item in body["items"]]
    assert scores == sorted(scores, reverse=True)
    assert body["items"][0]["title"].startswith("Tea Number")
    assert ids(body) != ids(await recommend(client, "nobody"))


async def test_an_unknown_user_gets_popular_items_and_is_told_so(client: httpx.AsyncClient) -> None:
    body = await recommend(client, "nobody", 7)
    assert len(set(ids(body))) == 7
    assert {item["source"] for item in body["items"]} == {"popular"}
    assert {item["score"] for item in body["items"]} == {None}
    assert body["items"][0]["reason"] == "Among the 100 most popular of the week to 12 Nov"


@pytest.mark.parametrize(
    "user_id",
    ["x" * 256, "ю" * 256, "👩‍👩‍👧", "'; DROP TABLE nextpick.events; --", " ", "%s", "\\", "\u202e\ufeff\x01"],
)
async def test_any_id_is_answered(client: httpx.AsyncClient, user_id: str) -> None:
    body = await recommend(client, user_id)
    assert body["user_id"] == user_id
    assert len(body["items"]) == 10
    await buy(client, user_id, user_id)
    assert len((await recommend(client, user_id))["items"]) == 10


@pytest.mark.parametrize("top_k", [1, 30, 100])
async def test_top_k_items_come_back_or_the_whole_catalogue(client: httpx.AsyncClient, top_k: int) -> None:
    body = await recommend(client, "tool05", top_k)
    assert len(body["items"]) == min(top_k, len(ITEMS))
    assert len(set(ids(body))) == len(body["items"])


async def test_an_event_changes_the_next_answer(client: httpx.AsyncClient) -> None:
    before = await recommend(client, "tea05")
    last = ids(before)[-1]
    await buy(client, "tea05", *[last] * 20)
    after = await recommend(client, "tea05")
    assert ids(after) != ids(before)
    assert ids(after).index(last) < ids(before).index(last)
    reason = next(item["reason"] for item in after["items"] if item["item_id"] == last)
    assert reason.startswith("You bought this ")
    times = int(reason.split()[3])
    assert times >= 20
    assert ids(await recommend(client, "tea06")) == ids(await recommend(client, "tea06"))


async def test_an_event_that_comes_in_late_counts_at_once(
    app: FastAPI, conn: psycopg.Connection, version: Version
) -> None:
    """Lists that know what somebody else did a moment ago must not hide what happened just before."""
    now = datetime.now(UTC)
    fill(conn)
    events.insert(conn, interactions()[-1:].assign(event_id="just now", occurred_at=now - timedelta(seconds=1)))
    conn.commit()
    publish(conn, version)
    async with running(app) as client:
        await buy(client, "tea05", "tool-14", at=now - timedelta(minutes=10))
        body = await recommend(client, "tea05", 30)
    reason = next(item["reason"] for item in body["items"] if item["item_id"] == "tool-14")
    assert reason.startswith("You bought this once")


async def test_an_event_of_a_kind_that_does_not_count_changes_nothing(client: httpx.AsyncClient) -> None:
    before = await recommend(client, "tea05")
    event = {"user_id": "tea05", "item_id": ids(before)[-1], "kind": "view"}
    assert (await client.post("/events", json=event)).json() == {"accepted": 1, "duplicates": 0}
    after = await recommend(client, "tea05")
    assert [(i["item_id"], i["score"]) for i in after["items"]] == [(i["item_id"], i["score"]) for i in before["items"]]


async def test_every_reason_is_true_of_the_data(client: httpx.AsyncClient, conn: psycopg.Connection) -> None:
    for user in ("tea00", "tool11", "nobody"):
        for item in (await recommend(client, user, 30))["items"]:
            count, last = conn.execute(
                "SELECT count(*), max(occurred_at) FROM nextpick.events WHERE user_id = %s AND item_id = %s",
                (user, item["item_id"]),
            ).fetchone() or (0, None)
            reason = item["reason"]
            if count:
                assert reason.endswith(f"on {last.day} {last:%b}"), reason
                assert reason.startswith("You bought this " + {1: "once", 2: "twice"}.get(count, f"{count} times"))
            else:
                assert not reason.startswith("You")
            if reason.startswith("Among"):
                week = conn.execute(
                    "SELECT count(*) FROM nextpick.events WHERE item_id = %s AND occurred_at > %s",
                    (item["item_id"], LAST - timedelta(days=7)),
                ).fetchone()
                assert week is not None
                assert week[0] > 0


async def test_a_hidden_item_is_not_shown_again(app: FastAPI, release_id: int, conn: psycopg.Connection) -> None:
    async with running(app) as client:
        best = [ids(await recommend(client, user, 3))[0] for user in ("tea03", "nobody")]
        conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = ANY (%s)", (best,))
        conn.commit()
        await app.state.service.follower.poll()
        for user in ("tea03", "tool03", "nobody"):
            shown = ids(await recommend(client, user, 100))
            assert not set(best) & set(shown)
            assert len(shown) == len(ITEMS) - len(set(best))


async def test_an_item_hidden_before_the_release_is_in_no_list(
    app: FastAPI, conn: psycopg.Connection, version: Version
) -> None:
    fill(conn)
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id LIKE 'tea%%'")
    conn.commit()
    publish(conn, version)
    async with running(app) as client:
        body = await recommend(client, "tea03", 100)
        assert all(item.startswith("tool-") for item in ids(body))


async def test_the_seen_policy_exclude_holds_for_old_and_for_new_purchases(
    app: FastAPI, conn: psycopg.Connection, excluding: Version
) -> None:
    fill(conn)
    conn.commit()
    publish(conn, excluding)
    owned = {row[0] for row in conn.execute("SELECT item_id FROM nextpick.events WHERE user_id = 'tool04'")}
    assert owned
    async with running(app) as client:
        first = ids(await recommend(client, "tool04", 100))
        assert not owned & set(first)
        await buy(client, "tool04", first[0])
        second = ids(await recommend(client, "tool04", 100))
        assert second
        assert first[0] not in second


async def test_a_user_who_has_it_all_is_still_answered(
    app: FastAPI, conn: psycopg.Connection, excluding: Version
) -> None:
    fill(conn)
    conn.commit()
    publish(conn, excluding)
    async with running(app) as client:
        await buy(client, "tea00", *ITEMS[:-2])
        left = await recommend(client, "tea00", 5)
        assert set(ids(left)) == set(ITEMS[-2:])
        await buy(client, "tea00", *ITEMS)
        body = await recommend(client, "tea00", 5)
        assert len(body["items"]) == 5
        assert {item["source"] for item in body["items"]} == {"filled"}


async def test_where_most_of_a_list_is_hidden_the_answer_is_what_is_left(
    client: httpx.AsyncClient, app: FastAPI, conn: psycopg.Connection
) -> None:
    whole = ids(await recommend(client, "tea01", 100))
    assert len(whole) == len(ITEMS)
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = ANY (%s)", (whole[:-3],))
    conn.commit()
    await app.state.service.follower.poll()
    assert ids(await recommend(client, "tea01", 10)) == whole[-3:]


async def test_a_list_that_is_too_short_is_filled_up_by_taste(
    client: httpx.AsyncClient, conn: psycopg.Connection, release_id: int
) -> None:
    conn.execute(
        "UPDATE nextpick.lists SET item_rows = item_rows[:2], scores = scores[:2], "
        "generator_scores = generator_scores[:2 * cardinality(generator_scores) / cardinality(item_rows)], "
        "generator_ranks = generator_ranks[:2 * cardinality(generator_ranks) / cardinality(item_rows)] "
        "WHERE user_id = 'tea01'"
    )
    conn.commit()
    body = await recommend(client, "tea01", 100)
    assert [item["source"] for item in body["items"]] == ["reranked"] * 2 + ["fold_in"] * (len(ITEMS) - 2)
    assert len(set(ids(body))) == len(ITEMS)


async def test_a_ranker_that_fails_leaves_the_precomputed_order(
    app: FastAPI, release_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(app) as client:
        good = await recommend(client, "tea03")

        def broken(*_: object) -> None:
            raise RuntimeError("no features today")

        monkeypatch.setattr("nextpick.release.answer.pair_features", broken)
        body = await recommend(client, "tea03")
        assert body["degraded"] is True
        assert ids(body) == ids(good)
        assert {item["source"] for item in body["items"]} == {"candidates"}
        metrics = (await client.get("/metrics")).text
        assert 'nextpick_degraded_answers_total{missing="ranker"} 1.0' in metrics


async def test_metrics_count_answers_by_source_and_name_no_user(client: httpx.AsyncClient, release_id: int) -> None:
    await recommend(client, "tea03", 4)
    await recommend(client, "somebody-secret", 3)
    text = (await client.get("/metrics")).text
    assert 'nextpick_recommended_items_total{source="reranked"} 4.0' in text
    assert 'nextpick_recommended_items_total{source="popular"} 3.0' in text
    assert f"nextpick_release_id {float(release_id)}" in text
    assert "nextpick_release_users 24.0" in text
    cutoff = LAST + timedelta(microseconds=1)
    assert float(text.split("\nnextpick_release_cutoff_timestamp_seconds ")[1].split("\n")[0]) == cutoff.timestamp()
    assert float(text.split("\nnextpick_release_bytes ")[1].split("\n")[0]) > 24 * 1000
    assert 'nextpick_request_seconds_count{method="POST",route="/recommend",status="200"} 2.0' in text
    assert "somebody-secret" not in text
    assert "tea" not in text
