"""How things stand is on /metrics: what is live, how runs ended, what answers brought; and stays there in an outage."""

from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.kpis import SUSPECT
from nextpick.local import ports
from nextpick.store import pipeline_runs
from serving import standing
from serving.metrics import Metrics
from serving.standing import Standing
from tests.integration.store.test_kpis import LIVE, RELEASE, answer, took
from tests.serving.test_recommend import recommend

pytestmark = pytest.mark.anyio


def gauges(metrics: Metrics) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    wanted = ("nextpick_live", "nextpick_pipeline", "nextpick_kpi", "nextpick_split", "nextpick_newest")
    return {name.removeprefix("nextpick_"): float(value) for name, _, value in lines if name.startswith(wanted)}


async def test_an_empty_database_says_nothing_and_fails_nothing(database_url: str) -> None:
    metrics = Metrics()
    await Standing(database_url, metrics).read()
    assert gauges(metrics) == {}


async def test_runs_releases_and_kpis_are_told_and_kept_while_postgres_is_away(
    database_url: str, conn: psycopg.Connection
) -> None:
    now = datetime.now(UTC)
    for release, variant, share in ((1, "default", 0.75), (2, "challenger", 0.25)):
        conn.execute(RELEASE, (datetime(2025, 11, 12, tzinfo=UTC),))
        conn.execute(LIVE, (variant, release, share))
    pipeline_runs.record(conn, "retrain", "r", "success", now - timedelta(seconds=90))
    for n in range(40):
        for days in (2, 1):
            given = answer(conn, now - timedelta(days=days), user=f"u{n}")
            other = answer(conn, now - timedelta(days=days), 2, "challenger", f"c{n}")
        took(conn, given, now - timedelta(hours=23))
        if n < 10:
            took(conn, other, now - timedelta(hours=23), None, kind="click")
    conn.commit()
    assert standing.count(database_url) == standing.DAYS
    assert standing.count(database_url) == 0
    metrics = Metrics()
    one = Standing(database_url, metrics)
    await one.read()
    told = gauges(metrics)
    assert told['live_release_info{model_version="1",release="2",variant="challenger"}'] == 1
    assert told['live_release_id{variant="challenger"}'] == 2
    assert told['live_share{variant="default"}'] == 0.75
    assert told['live_cutoff_timestamp_seconds{variant="default"}'] == datetime(2025, 11, 12, tzinfo=UTC).timestamp()
    assert told['pipeline_last_run_failed{dag="retrain"}'] == 0
    assert 89 < told['pipeline_last_run_seconds{dag="retrain"}'] < 200
    assert told['kpi_answers{release="1",variant="default"}'] == 80
    assert told['kpi_taken_share{kind="purchase",release="1",variant="default"}'] == 0.5
    low, high = (
        told[f'kpi_taken_share_{end}{{kind="click",release="2",variant="challenger"}}'] for end in ("low", "high")
    )
    assert 0 < low < 0.125 < high < 0.3
    assert told['kpi_revenue_per_answer{kind="purchase",release="1",variant="default"}'] == 1.0
    assert told['split_users{variant="challenger"}'] == 40
    assert told["split_likelihood"] < SUSPECT
    one._url = f"postgresql://x@127.0.0.1:{ports.free()}/none"
    await one.read()
    assert gauges(metrics) == told


async def test_a_schema_from_before_leaves_the_service_as_it_is(database_url: str, conn: psycopg.Connection) -> None:
    conn.execute("DROP TABLE nextpick.runs")
    conn.commit()
    metrics = Metrics()
    await Standing(database_url, metrics).read()
    assert gauges(metrics) == {}


async def test_answers_are_counted_with_their_candidates_their_time_and_what_was_kept_out(
    client: httpx.AsyncClient, app: FastAPI, conn: psycopg.Connection
) -> None:
    await recommend(client, "tea03", 4)
    body = {"user_id": "tea03", "categories": {"any": ["tool"]}}
    (await client.post("/recommend", json=body)).raise_for_status()
    await recommend(client, "nobody", 3)
    text = (await client.get("/metrics")).text
    assert 'nextpick_answers_total{degraded="false",variant="default"} 3.0' in text
    assert "nextpick_candidates_count 2.0" in text
    assert "nextpick_rank_seconds_count 3.0" in text
    assert 'nextpick_database_seconds_count{statement="list"} 3.0' in text
    filtered = float(text.split('nextpick_filtered_candidates_total{reason="request"} ')[1].split("\n")[0])
    assert filtered > 0
    assert 'nextpick_filtered_candidates_total{reason="hidden"} 0.0' in text
    shown = (await client.post("/recommend", json={"user_id": "tea03"})).json()["items"][0]["item_id"]
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = %s", (shown,))
    conn.commit()
    await app.state.service.follower.poll()
    await recommend(client, "tea03", 4)
    assert 'nextpick_filtered_candidates_total{reason="hidden"} 1.0' in (await client.get("/metrics")).text
    assert "nextpick_requests_in_flight 0.0" in text
    assert 'nextpick_waiting{what="scoring"} 0.0' in text
