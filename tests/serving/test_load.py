"""With too many requests at once, what is taken in is answered soon, and the rest is told to come again."""

import asyncio
import time

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from serving.load import FULL, Load
from serving.problems import Problem
from tests.serving.conftest import running, settings_for
from tests.serving.test_recommend import buy, ids, recommend

pytestmark = pytest.mark.anyio


def test_beyond_the_second_limit_one_is_refused_and_beyond_the_first_it_is_known() -> None:
    load = Load(heavy=1, full=2)
    load.late = 1.0
    with load.one():
        assert not load.heavy
        with load.one():
            assert load.heavy
            with pytest.raises(Problem, match="2 requests are being answered already") as refused, load.one():
                pass
            assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
            load.late = 0.0  # all of them wait for somebody else, and this one keeps nobody waiting
            with load.one():
                assert load.heavy
    assert load.requests == 0
    with pytest.raises(RuntimeError), load.one():
        raise RuntimeError
    assert load.requests == 0


async def test_an_answer_under_load_knows_what_the_user_did_since_and_its_pages_go_on_as_others_do(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    await buy(client, "stranger", "tool-02", "tool-03")
    load = app.state.service.recommender._load
    load.requests = FULL - 1  # one more, and it is the last that is let in
    hurried = await recommend(client, "stranger", 5)
    load.requests, load.late = FULL, 1.0
    refused = await client.post("/recommend", json={"user_id": "stranger"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["type"] == "urn:nextpick:problem:overloaded"
    assert (await client.get("/health/ready")).status_code == 200
    load.requests = 0
    assert hurried["degraded"] is True
    assert {item["source"] for item in hurried["items"]} == {"popular"}
    calm = {"user_id": "stranger", "top_k": 5, "cursor": hurried["cursor"]}
    page = (await client.post("/recommend", json=calm)).json()
    assert page["degraded"] is False
    assert {item["source"] for item in page["items"]} == {"fold_in"}
    assert not set(ids(page)) & set(ids(hurried))
    assert [item["rank"] for item in page["items"]] == [6, 7, 8, 9, 10]


async def test_it_is_known_how_late_the_loop_is() -> None:
    load = Load()
    watching = asyncio.create_task(load.watch())
    await asyncio.sleep(0.05)
    time.sleep(0.2)
    async with asyncio.timeout(5):
        while load.late < 0.1:
            await asyncio.sleep(0)
    watching.cancel()


async def test_who_sends_slowly_is_no_load(database_url: str, release_id: int) -> None:
    from serving.app import create_app

    app = create_app(settings_for(database_url))
    async with running(app) as client:
        dripping = asyncio.Event()

        async def body() -> object:
            yield b'{"user_id": '
            await dripping.wait()
            yield b'"tea03"}'

        headers = {"content-type": "application/json"}
        waiting = [
            asyncio.create_task(client.post("/recommend", content=body(), headers=headers))  # type: ignore[arg-type]
            for _ in range(40)
        ]
        await asyncio.sleep(0.2)
        assert app.state.service.recommender._load.requests == 0
        assert (await recommend(client, "tea03"))["degraded"] is False
        dripping.set()
        answers = await asyncio.gather(*waiting)
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert np.mean([answer.status_code == 200 for answer in answers]) > 0.5
