"""What was answered is stored, off the path, with the very numbers the ranker saw."""

import asyncio
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.features.histories import histories
from nextpick.features.items import item_table
from nextpick.features.pair import pair_features
from nextpick.models.bundle import load_bundle
from nextpick.models.pool import build_pool
from nextpick.release.lookup import microseconds
from nextpick.store import events, items, releases
from serving.impressions import ImpressionLog
from serving.metrics import Metrics
from tests.published import Version, fill, publish
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio
COLUMNS = (
    "recommendation_id, user_id, as_of, release_id, variant, scenario, item_ids, scores, sources, features, answered_at"
)


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


async def test_features_served_are_bit_equal_to_those_of_the_training_path(
    app: FastAPI, conn: psycopg.Connection, version: Version
) -> None:
    fill(conn)
    conn.commit()
    publish(conn, version)
    users = ["tea00", "tea07", "tool02", "tool09"]
    async with running(app) as client:
        for user in users[1:]:
            await recommend(client, user, 20)
            for item in ("tea-03", "tool-01", "tea-03"):
                await client.post("/events", json={"user_id": user, "item_id": item, "kind": "purchase"})
            await client.post("/events", json={"user_id": user, "item_id": "never-seen", "kind": "purchase"})
        for user in users:
            await recommend(client, user, 20)
    rows = stored(conn)
    assert len(rows) == 7
    for row in rows.values():
        served = np.array(row["features"], np.float32).reshape(len(row["item_ids"]), -1)
        expected = trained_features(conn, version, row)
        np.testing.assert_array_equal(served, expected)


def trained_features(conn: psycopg.Connection, version: Version, row: dict[str, Any]) -> np.ndarray:
    """The training path: histories of everybody from the event table, then the pool, then the one feature function."""
    bundle = load_bundle(version.bundle_dir)
    release = releases.get(conn, row["release_id"])
    cutoff, as_of = microseconds(release.cutoff), microseconds(row["as_of"])
    kinds = bundle.params.data.kinds
    before = events.read(conn, before=release.cutoff)
    table = item_table(before, items.read(conn), bundle.items, cutoff)
    then = histories(before, bundle.users, bundle.items, kinds, cutoff)
    now = histories(events.read(conn, before=row["as_of"]), bundle.users, bundle.items, kinds, as_of)
    user_row = np.array([bundle.users.row(row["user_id"])], np.int32)
    pool = build_pool(bundle.generators, dict(bundle.params.pool), user_row, then, "allow", None)
    features = pair_features(pool, now, table, as_of)
    place = {item: i for i, item in enumerate(pool.item_rows.tolist())}
    return features[[place[item] for item in bundle.items.rows(row["item_ids"]).tolist()]]


async def test_a_full_queue_drops_and_counts_and_never_blocks(app: FastAPI, release_id: int) -> None:
    async with running(app) as client:
        await recommend(client, "tea03")
        metrics = Metrics()
        full = ImpressionLog(app.state.service.database, metrics, queue=2)
        for _ in range(5):
            full.add(None)  # type: ignore[arg-type]
    assert 'nextpick_impressions_dropped_total{reason="queue_full"} 3.0' in metrics.text().decode()


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
