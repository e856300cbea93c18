"""The short way through a route answers as FastAPI's own does, faults included."""

from typing import Annotated, Any

import httpx
import orjson
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from pydantic import BaseModel, Field

from serving import problems
from serving.bodies import Plain, StrictRoute

pytestmark = pytest.mark.anyio


class Asked(BaseModel):
    """Something with bounds."""

    name: Annotated[str, Field(min_length=1)]
    n: Annotated[int, Field(strict=True, ge=1)] = 3


async def guard(request: Request) -> None:
    if request.headers.get("x-api-key") != "right":
        raise problems.Problem(401, "no-access", "Send a key.")


async def found(request: Request) -> str:
    return str(request.url.path)


def app(short: bool, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    if not short:
        monkeypatch.setattr(Plain, "of", classmethod(lambda *_: None))
    router = APIRouter(dependencies=[Depends(guard)], route_class=StrictRoute)

    @router.post("/ask")
    async def ask(asked: Asked, path: Annotated[str, Depends(found)]) -> Response:
        return Response(orjson.dumps({"name": asked.name, "n": asked.n, "path": path}), media_type="application/json")

    made = FastAPI()
    problems.install(made)
    made.include_router(router)
    monkeypatch.undo()
    return made


CASES: list[tuple[bytes, str]] = [
    (b'{"name":"a"}', "application/json"),
    (b'{"name":"a","n":2}', "application/json; charset=utf-8"),
    (b'{"name":"a","n":2}', "application/vnd.api+json"),
    (b'{"name":"a","n":2}', "text/plain"),
    (b'{"name":"a","n":2}', ""),
    (b'{"name":"","n":0}', "application/json"),
    (b'{"n":"2"}', "application/json"),
    (b"[1]", "application/json"),
    (b"null", "application/json"),
    (b"", "application/json"),
    (b'{"name":', "application/json"),
    (b'{"name":NaN}', "application/json"),
    (b'{"name":"\\ud800"}', "application/json"),
    (b"\xff\xfe", "application/json"),
]


@pytest.mark.parametrize("key", ["right", "wrong"])
@pytest.mark.parametrize(("body", "kind"), CASES)
async def test_both_ways_give_the_same_answer(
    body: bytes, kind: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for short in (True, False):
        transport = httpx.ASGITransport(app(short, monkeypatch))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            headers = {"x-api-key": key, **({"content-type": kind} if kind else {})}
            answers.append(await client.post("/ask", content=body, headers=headers))
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].content == answers[1].content
    assert answers[0].headers == answers[1].headers


async def test_a_body_in_pieces_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pieces() -> Any:
        for piece in (b'{"na', b'me":', b'"a"}'):
            yield piece

    transport = httpx.ASGITransport(app(True, monkeypatch))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        headers = {"x-api-key": "right", "content-type": "application/json"}
        answer = await client.post("/ask", content=pieces(), headers=headers)
    assert answer.json() == {"name": "a", "n": 3, "path": "/ask"}


def test_a_route_that_asks_for_more_goes_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    router = APIRouter(route_class=StrictRoute)

    @router.post("/path/{name}")
    async def of_path(name: str, asked: Asked) -> Response:
        return Response()

    @router.post("/query")
    async def of_query(asked: Asked, q: int = 0) -> Response:
        return Response()

    @router.post("/model")
    async def of_model(asked: Asked) -> Asked:
        return asked

    @router.post("/two")
    async def of_two(asked: Asked, other: Asked) -> Response:
        return Response()

    @router.post("/plain")
    async def plain(asked: Asked) -> Response:
        return Response()

    short = [route.path for route in router.routes if isinstance(route, StrictRoute) and Plain.of(route)]
    assert short == ["/plain"]
