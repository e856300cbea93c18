"""Going back as who asks the API sees it: model, lists, items and features are those of before, all at once."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.models.bundle import load_bundle, save_bundle
from nextpick.settings import Settings
from nextpick.stages import rollback
from nextpick.store import erasure
from tests.published import LAST, Version, publish
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio


@pytest.fixture
def other(excluding: Version, tmp_path: Path) -> Version:
    """Another model, which never shows what a user has."""
    folder = Path(shutil.copytree(excluding.bundle_dir, tmp_path / "other"))
    bundle = load_bundle(folder)
    sha256 = save_bundle(replace(bundle, metrics={**bundle.metrics, "users": 1.0}), folder)
    return replace(excluding, version="2", bundle_dir=folder, bundle_sha256=sha256)


async def asked(client: httpx.AsyncClient, user_id: str) -> Any:
    """The answer, without what names the one request."""
    answer = (await client.post("/recommend", json={"user_id": user_id})).json()
    return {name: value for name, value in answer.items() if name != "recommendation_id"}


async def test_after_going_back_answers_are_those_of_before_and_an_erased_user_stays_unknown(
    app: FastAPI,
    release_id: int,
    conn: psycopg.Connection,
    other: Version,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = Settings(_env_file=None, home=tmp_path, mlflow_url="http://127.0.0.1:9")
    users = ("tea03", "tool07", "nobody")
    async with running(app) as client:
        follower = app.state.service.follower
        before = [await asked(client, user) for user in users]
        publish(conn, other, cutoff=LAST)
        await follower.poll()
        between = [await asked(client, user) for user in users]
        assert {answer["model_version"] for answer in between} == {"2"}
        assert between[0]["items"] != before[0]["items"]
        with conn.transaction():
            erasure.erase(conn, "tool07")
        rollback.run(conn, settings, who="anna", because="complaints")
        await follower.poll()
        after = [await asked(client, user) for user in users]
    assert after[0] == before[0]
    assert after[2] == before[2]
    assert {item["source"] for item in before[1]["items"]} == {"reranked"}
    assert {item["source"] for item in after[1]["items"]} == {"popular"}
    assert after[1]["release"] == release_id
