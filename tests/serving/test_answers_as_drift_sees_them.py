"""Drift reads served features by the names the release left, without its bundle."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.drift.served import served_columns
from nextpick.drift.windows import windows
from nextpick.models.bundle import load_bundle
from nextpick.store import drift
from tests.published import Version
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio


async def recommend(client: httpx.AsyncClient, user_id: str) -> None:
    assert (await client.post("/recommend", json={"user_id": user_id, "top_k": 5})).status_code == 200


async def test_every_feature_is_a_column_and_every_served_item_a_row(
    app: FastAPI, release_id: int, conn: psycopg.Connection, version: Version
) -> None:
    async with running(app) as client:
        for user_id in ("tea03", "tool04", "nobody"):
            await recommend(client, user_id)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    bundle = load_bundle(version.bundle_dir)
    with conn.transaction():
        answers = drift.answers(conn, soon - timedelta(days=1), soon, limit=10)
        names = drift.feature_names(conn)
        live = drift.release_at(conn, soon)
    assert names == {release_id: bundle.features}
    assert live is not None
    trained_until = live[1]
    assert trained_until is not None
    assert (live[0], int(trained_until.timestamp() * 1_000_000)) == (release_id, bundle.windows.cutoff)
    found = {column.name: len(column.current) for column in served_columns(answers, names, windows(soon, 7, 4))}
    assert found == {
        **{f"served_{name}": 10 for name in bundle.features},  # nobody's five were not ranked
        "served_score": 10,
        "served_source": 15,
    }
