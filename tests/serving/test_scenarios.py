"""A scenario's own numbers, filters and lots hold where a request names it, as its model was trained with them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.models.bundle import load_bundle, save_bundle
from nextpick.params import ScenarioParams
from nextpick.release.loaded import Since
from serving.asking import with_recent
from tests.published import Version, fill, publish
from tests.serving.conftest import kept, running
from tests.serving.test_narrowed import ask
from tests.serving.test_recommend import ids
from tests.unit.release.test_answer import loaded_world

pytestmark = pytest.mark.anyio
SCENARIOS: dict[str, dict[str, Any]] = {
    "tools": {"top_k": 4, "categories": {"any": ["tool"]}},
    "cheap": {"top_k": 12, "price": {"max": 5}},
    "varied": {"top_k": 10, "diversity": 0.9},
    "lots": {"top_k": 10, "exploration": 0.5},
    "silent": {"top_k": 10, "log_features": 0.0},
}


@pytest.fixture
async def client(
    app: FastAPI, conn: psycopg.Connection, version: Version, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app with a release whose model was trained with SCENARIOS beside the default."""
    bundle = load_bundle(version.bundle_dir)
    more = {name: ScenarioParams.model_validate({"seen_policy": "allow", **one}) for name, one in SCENARIOS.items()}
    params = bundle.params.model_copy(update={"scenarios": {**bundle.params.scenarios, **more}})
    sha256 = save_bundle(replace(bundle, params=params), tmp_path / "bundle")
    fill(conn)
    conn.commit()
    publish(conn, replace(version, bundle_dir=tmp_path / "bundle", bundle_sha256=sha256))
    async with running(app) as client:
        yield client


async def test_a_scenario_says_how_many_and_of_what_and_a_request_narrows_it_further(client: httpx.AsyncClient) -> None:
    body = await ask(client, user_id="tea03", scenario="tools")
    assert (body["scenario"], len(body["items"])) == ("tools", 4)
    assert {item[:5] for item in ids(body)} == {"tool-"}
    assert len((await ask(client, user_id="tea03", scenario="tools", top_k=6))["items"]) == 6
    assert (await ask(client, user_id="tea03", scenario="tools", categories={"any": ["tea"]}))["items"] == []
    cheap = await ask(client, user_id="tool03", scenario="cheap", price={"min": 1, "max": 50})
    assert len(cheap["items"]) == 12
    assert {item[:4] for item in ids(cheap)} == {"tea-"}
    assert (await ask(client, user_id="tool03", scenario="cheap", price={"min": 6}))["items"] == []
    assert len((await ask(client, user_id="tea03"))["items"]) == 10


async def test_a_scenarios_diversity_is_that_of_requests_that_say_none(client: httpx.AsyncClient) -> None:
    plain = ids(await ask(client, user_id="tea03"))
    varied = ids(await ask(client, user_id="tea03", scenario="varied"))
    assert varied == ids(await ask(client, user_id="tea03", diversity=0.9)) != plain
    assert ids(await ask(client, user_id="tea03", scenario="varied", diversity=0)) == plain


async def test_lots_are_drawn_where_a_scenario_says_so_and_nothing_narrows_the_answer(
    client: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    plain = await ask(client, user_id="tea03")
    assert (await kept(conn, plain)).propensities is None
    drawn = [await ask(client, user_id="tea03", scenario="lots") for _ in range(6)]
    assert any(ids(body) != ids(plain) for body in drawn)  # all six alike: once in 2 ** 60
    stored = (await kept(conn, drawn[0])).propensities
    assert stored is not None
    assert set(np.round(stored.astype(float), 3)) <= {0.5, 0.025}  # kept, or one of 20 from below
    narrowed = await ask(client, user_id="tea03", scenario="lots", exclude_item_ids=["tool-00"])
    assert (await kept(conn, narrowed)).propensities is None


async def test_features_are_kept_of_the_share_a_scenario_says_and_of_no_endless_answer(
    client: httpx.AsyncClient, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await kept(conn, await ask(client, user_id="tea03"))).features is not None
    silent = await kept(conn, await ask(client, user_id="tea03", scenario="silent"))
    assert (silent.features, len(silent.item_ids)) == (None, 10)
    monkeypatch.setattr("serving.answers.MOST_WITH_FEATURES", 9)
    assert (await kept(conn, await ask(client, user_id="tea03"))).features is None


def test_of_a_sessions_items_the_last_is_the_latest(version: Version) -> None:
    loaded, _ = loaded_world(version, 100)
    until = loaded.cutoff + 10**9
    since = with_recent(loaded, Since.nothing(), ["tool-04", "nobody knows it", "tea-02"], until)
    assert [loaded.items.ids[row] for row in since.item_rows] == ["tool-04", "tea-02"]
    assert since.occurred_at.tolist() == [until - 2, until - 1]
    now = with_recent(loaded, Since.nothing(), ["tool-04", "tea-02"], None)
    assert np.diff(now.occurred_at).tolist() == [1]
