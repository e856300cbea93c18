"""The OpenAPI document is complete, and what it shows as an example works."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio


async def test_every_example_of_a_request_is_answered(client: httpx.AsyncClient) -> None:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    tried = 0
    for method, path, name in (
        ("POST", "/recommend", "RecommendIn"),
        ("POST", "/rank", "RankIn"),
        ("POST", "/events", "EventIn"),
        ("PUT", "/items", "ItemIn"),
    ):
        for example in document["components"]["schemas"][name]["examples"]:
            response = await client.request(method, path, json=example)
            assert response.status_code == 200, response.text
            tried += 1
    assert tried == 6


async def test_answers_have_the_documented_fields_and_no_others(client: httpx.AsyncClient) -> None:
    schemas = (await client.get("/openapi.json")).json()["components"]["schemas"]
    body = (await client.post("/recommend", json={"user_id": "tea01"})).json()
    assert body.keys() == schemas["RecommendOut"]["properties"].keys()
    assert body["items"][0].keys() | {"explanation"} == schemas["ItemOut"]["properties"].keys()
    body = (await client.post("/events", json={"user_id": "u", "item_id": "i", "kind": "view"})).json()
    assert body.keys() == schemas["EventsOut"]["properties"].keys()
    problem = (await client.post("/events", json={})).json()
    assert problem.keys() <= schemas["ProblemOut"]["properties"].keys()


async def test_every_route_documents_its_errors(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    open_to_all = {"/health/live", "/health/ready", "/metrics"}
    guarded = {path: paths[path] for path in paths.keys() - open_to_all}
    assert guarded.keys() == {
        "/recommend",
        "/rank",
        "/events",
        "/items",
        "/items/{item_id}",
        "/items/{item_id}/similar",
        "/popular",
        "/users/{user_id}",
        "/releases/current",
    }
    for path, methods in guarded.items():
        for method, operation in methods.items():
            unknown = {"404"} if method == "get" and "{" in path else set()
            of_body = {"400"} if "requestBody" in operation else set()
            wanted = {"200", "401", "403", "405", "413", "422", "429", "500", "503"} | unknown | of_body
            assert wanted <= operation["responses"].keys(), f"{method} {path}"
            assert operation["security"] == [{"key": []}]
    for path in open_to_all:
        assert "security" not in paths[path]["get"]
