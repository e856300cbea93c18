"""PUT /items, GET /items/{id}, similar ones, charts."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.store import lists
from tests.published import ITEMS
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio


async def got(client: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    response = await client.get(path, params=query)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def put(client: httpx.AsyncClient, *items: dict[str, Any]) -> dict[str, Any]:
    response = await client.put("/items", json=items[0] if len(items) == 1 else {"items": items})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in body["items"]]


async def test_similar_items_are_of_the_same_circle_and_never_the_item(client: httpx.AsyncClient) -> None:
    body = await got(client, "/items/tea-00/similar", top_k=5)
    assert len(ids(body)) == 5
    assert all(item.startswith("tea-") for item in ids(body)[:3])
    assert "tea-00" not in ids(body)
    scores = [item["score"] for item in body["items"] if item["source"] == "similar"]
    assert scores == sorted(scores, reverse=True)
    assert [item["rank"] for item in body["items"]] == [1, 2, 3, 4, 5]


async def test_similar_items_end_with_the_category_and_hold_no_item_twice(
    client: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    conn.execute(
        "UPDATE nextpick.release_similar SET similar_rows = similar_rows[:2], similar_scores = similar_scores[:2]"
    )
    conn.commit()
    body = await got(client, "/items/tea-00/similar", top_k=100)
    assert [item["source"] for item in body["items"]] == ["similar"] * 2 + ["category"] * (len(body["items"]) - 2)
    popular = ids(await got(client, "/popular", category="tea", top_k=100))
    assert len(popular) > 10
    assert ids(body)[2:] == [item for item in popular if item not in ("tea-00", *ids(body)[:2])]


async def test_an_item_the_release_does_not_know_is_a_404_that_says_where(client: httpx.AsyncClient) -> None:
    await put(client, {"item_id": "new/one", "title": "New"})
    for path in ("/items/new%2Fone/similar", "/items/nowhere"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.json()["type"] == "urn:nextpick:problem:unknown-item"
    assert (await got(client, "/items/new%2Fone"))["in_release"] is False
    assert (await got(client, "/items/tea-00"))["in_release"] is True


async def test_an_id_may_end_as_the_path_to_similar_items_does(client: httpx.AsyncClient) -> None:
    await put(client, {"item_id": "tea-00/similar", "title": "Odd"})
    assert (await got(client, "/items/tea-00%2Fsimilar"))["title"] == "Odd"
    assert len(ids(await got(client, "/items/tea-00/similar", top_k=3))) == 3
    response = await client.get("/items/tea-00%2Fsimilar/similar")  # the release does not know it
    assert response.status_code == 404


@pytest.mark.parametrize("order", ["popular", "trending", "latest"])
async def test_charts_are_those_of_the_release(
    client: httpx.AsyncClient, conn: psycopg.Connection, release_id: int, order: str
) -> None:
    stored = lists.charts(conn, release_id)
    expected = [ITEMS[row] for row in stored[(order, "")].tolist()]
    assert ids(await got(client, "/popular", order=order, top_k=100)) == expected
    await put(client, {"item_id": expected[0], "hidden": True})
    assert ids(await got(client, "/popular", order=order, top_k=100)) == expected[1:]


async def test_a_chart_of_a_category_holds_nothing_else(client: httpx.AsyncClient) -> None:
    everything = ids(await got(client, "/popular", top_k=100))
    teas = ids(await got(client, "/popular", category="tea", top_k=100))
    assert teas == [item for item in everything if item.startswith("tea-")]
    assert 0 < len(teas) < len(everything)
    response = await client.get("/popular", params={"category": "no such"})
    assert (response.status_code, response.json()["type"]) == (404, "urn:nextpick:problem:unknown-category")
    response = await client.get("/popular", params={"order": "best", "top_k": 0})
    assert response.status_code == 422
    assert "order" in response.json()["detail"]


async def test_a_hidden_item_is_out_of_the_next_answer_and_back_in_the_one_after(client: httpx.AsyncClient) -> None:
    async def first() -> list[str]:
        return ids((await client.post("/recommend", json={"user_id": "tea03", "top_k": 5})).json())

    before = await first()
    assert await put(client, {"item_id": before[0], "hidden": True}) == {"added": 0, "changed": 1, "unchanged": 0}
    assert before[0] not in await first()
    await put(client, {"item_id": before[0], "hidden": False})
    assert await first() == before


async def test_what_is_not_named_stays_as_it_is(client: httpx.AsyncClient) -> None:
    whole = {
        "item_id": "x",
        "title": "X",
        "categories": ["a", "b"],
        "price": 2.5,
        "published_at": "2025-01-02T03:04:05Z",
        "attributes": {"colour": ["red"]},
    }
    assert (await put(client, whole))["added"] == 1
    assert await put(client, whole) == {"added": 0, "changed": 0, "unchanged": 1}
    await put(client, {"item_id": "x", "hidden": True})
    body = await got(client, "/items/x")
    assert {name: body[name] for name in whole} == {**whole, "published_at": "2025-01-02T03:04:05+00:00"}
    assert body["hidden"] is True
    await put(client, {"item_id": "x", "price": None, "categories": []})
    body = await got(client, "/items/x")
    assert (body["price"], body["categories"], body["title"]) == (None, [], "X")


async def test_a_new_item_is_called_by_its_id_and_a_batch_is_counted(client: httpx.AsyncClient) -> None:
    sent = [{"item_id": "tea-00"}, {"item_id": "tea-01", "title": "Other"}, {"item_id": "brand-new"}]
    assert await put(client, *sent) == {"added": 1, "changed": 1, "unchanged": 1}
    assert (await got(client, "/items/brand-new"))["title"] == "brand-new"


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        ({"items": [{"item_id": "a"}, {"item_id": "b"}, {"item_id": "a"}]}, ["items", 2, "item_id"]),
        ({"item_id": "a", "price": -1}, ["price"]),
        ({"item_id": "a", "attributes": {"deep": {"nul": "\0"}}}, ["attributes"]),
        ({"item_id": "a", "attributes": {"long": "x" * 10_001}}, ["attributes"]),
        ({"item_id": "a", "published_at": 5}, ["published_at"]),
        ({"item_id": "a", "titel": "x"}, ["titel"]),
        ({"item_id": "a", "hidden": "yes"}, ["hidden"]),
        ({"items": []}, ["items"]),
    ],
)
async def test_what_is_wrong_is_refused_whole(client: httpx.AsyncClient, sent: Any, place: list[Any]) -> None:
    response = await client.put("/items", json=sent)
    assert response.status_code == 422, response.text
    assert response.json()["errors"][0]["loc"] == place
    assert (await client.get("/items/a")).status_code == 404


async def test_any_id_can_be_put_and_read(client: httpx.AsyncClient) -> None:
    for item_id in ("a b", "ю", "%s", "a/b/c", "?x=1#y", "'; DROP TABLE nextpick.items; --", "x" * 256):
        await put(client, {"item_id": item_id})
        path = httpx.URL("http://127.0.0.1/").copy_with(raw_path=b"/items/" + _quoted(item_id))
        assert (await client.get(path)).json()["item_id"] == item_id


def _quoted(text: str) -> bytes:
    from urllib.parse import quote

    return quote(text, safe="").encode()


async def test_without_the_database_charts_are_read_and_similar_is_degraded(
    app: FastAPI, release_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.database import Unavailable

    async def away(*_: object) -> None:
        raise Unavailable("gone")

    async with running(app) as client:
        monkeypatch.setattr(app.state.service.database, "fetch_one", away)
        assert len(ids(await got(client, "/popular"))) == 10
        assert (await got(client, "/items/tea-00/similar"))["degraded"] is True
        for response in (await client.get("/items/tea-00"), await client.put("/items", json={"item_id": "a"})):
            assert (response.status_code, response.headers["retry-after"]) == (503, "1")
