"""What was answered is stored, off the path, with the very numbers the ranker saw."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.store.impressions import Impression
from serving.database import Unavailable
from serving.impressions import MOST_BYTES, ImpressionLog
from serving.metrics import Metrics
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio
COLUMNS = "recommendation_id, user_id, release_id, variant, scenario, item_ids, scores, sources, features"


async def recommend(client: httpx.AsyncClient, user_id: str, top_k: int = 10) -> dict[str, Any]:
    response = await client.post("/recommend", json={"user_id": user_id, "top_k": top_k})
    body: dict[str, Any] = response.json()
    return body


def stored(conn: psycopg.Connection) -> dict[str, Any]:
    with conn.transaction():
        cursor = conn.execute(f"SELECT {COLUMNS} FROM nextpick.impressions")  # noqa: S608 - a constant
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in cursor]
    return {str(row["recommendation_id"]): row for row in rows}


async def test_an_answer_is_stored_as_it_was_given_and_flushed_at_shutdown(
    app: FastAPI, release_id: int, conn: psycopg.Connection
) -> None:
    async with running(app) as client:
        known = await recommend(client, "tea03", 5)
        unknown = await recommend(client, "nobody", 3)
    rows = stored(conn)
    assert len(rows) == 2
    row = rows[known["recommendation_id"]]
    assert row["item_ids"] == [item["item_id"] for item in known["items"]]
    assert row["scores"] == [pytest.approx(item["score"]) for item in known["items"]]
    assert row["sources"] == ["reranked"] * 5
    assert (row["user_id"], row["release_id"], row["variant"], row["scenario"]) == (
        "tea03",
        release_id,
        "default",
        "default",
    )
    row = rows[unknown["recommendation_id"]]
    assert row["features"] is None
    assert np.isnan(row["scores"]).all()
    assert row["sources"] == ["popular"] * 3


async def test_a_full_queue_drops_and_counts_and_never_blocks(app: FastAPI, release_id: int) -> None:
    async with running(app) as client:
        await recommend(client, "tea03")
        metrics = Metrics()
        full = ImpressionLog(app.state.service.database, metrics, queue=2)
        for _ in range(5):
            full.add(an_impression(0))
        heavy = ImpressionLog(app.state.service.database, metrics)
        for _ in range(5):
            heavy.add(an_impression(MOST_BYTES // 3))
    assert 'nextpick_impressions_dropped_total{reason="queue_full"} 5.0' in metrics.text().decode()


def an_impression(feature_bytes: int) -> Impression:
    now = datetime.now(UTC)
    features = np.empty(feature_bytes // 4, np.float32)
    return Impression(
        uuid4(), "u", now, now, 1, "default", "default", ("i",), np.ones(1, np.float32), ("popular",), features
    )


async def test_a_write_whose_answer_was_lost_is_not_done_twice(
    app: FastAPI, release_id: int, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(app) as client:
        database, tries = app.state.service.database, []
        copy = database.copy

        async def lost(*given: Any) -> None:
            tries.append(given)
            await copy(*given)
            if len(tries) == 1:
                raise Unavailable("it was stored, and nobody heard")

        monkeypatch.setattr(database, "copy", lost)
        first = await recommend(client, "tea03")
        while not tries:
            await asyncio.sleep(0.02)
        second = await recommend(client, "tea04")
    assert stored(conn).keys() == {first["recommendation_id"], second["recommendation_id"]}
    assert conn.execute("SELECT count(*) FROM nextpick.impressions").fetchone() == (2,)


async def test_written_impressions_are_counted(app: FastAPI, release_id: int) -> None:
    async with running(app) as client:
        for user in ("tea01", "tea02", "nobody"):
            await recommend(client, user)
        for _ in range(100):
            text = (await client.get("/metrics")).text
            if "nextpick_impressions_written_total 3.0" in text:
                break
            await asyncio.sleep(0.05)
        assert "nextpick_impressions_written_total 3.0" in text
        assert "nextpick_impressions_waiting 0.0" in text
