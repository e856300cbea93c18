"""POST /events: durable before the answer, safe to send again."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.store import partitions
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio


@pytest.fixture
async def empty(app: FastAPI) -> Any:
    """A client of an app on an empty database."""
    async with running(app) as client:
        yield client


def event(**changes: Any) -> dict[str, Any]:
    return {"user_id": "u1", "item_id": "i1", "kind": "purchase", **changes}


async def test_an_event_is_stored_before_the_answer(empty: httpx.AsyncClient, conn: psycopg.Connection) -> None:
    recommendation_id = uuid4()
    before = datetime.now(UTC)
    sent = event(event_id="e1", value=2.5, recommendation_id=str(recommendation_id))
    assert (await empty.post("/events", json=sent)).json() == {"accepted": 1, "duplicates": 0}
    row = conn.execute(
        "SELECT event_id, user_id, item_id, kind, value, recommendation_id, occurred_at FROM nextpick.events"
    ).fetchone()
    assert row is not None
    assert row[:6] == ("e1", "u1", "i1", "purchase", 2.5, recommendation_id)
    assert before <= row[6] <= datetime.now(UTC)


async def test_an_event_id_sent_before_changes_nothing_even_without_a_time(
    empty: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    for expected in ({"accepted": 1, "duplicates": 0}, {"accepted": 0, "duplicates": 1}):
        assert (await empty.post("/events", json=event(event_id="once"))).json() == expected
        await asyncio.sleep(0.01)
    assert conn.execute("SELECT count(*) FROM nextpick.events").fetchone() == (1,)


@pytest.mark.parametrize("later", [timedelta(minutes=1), timedelta(days=40)])
async def test_an_event_id_sent_again_long_after_without_a_time_counts_once(
    empty: httpx.AsyncClient, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch, later: timedelta
) -> None:
    """The two arrive in different months, so in different partitions; the ids know no months."""
    now = datetime.now(UTC)
    partitions.ensure(conn, "events", now)
    conn.commit()
    assert (await empty.post("/events", json=event(event_id="once"))).json() == {"accepted": 1, "duplicates": 0}

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return now + later

    monkeypatch.setattr("serving.events.datetime", Later)
    again = {"events": [event(event_id="once"), event(event_id="once"), event(event_id="other")]}
    assert (await empty.post("/events", json=again)).json() == {"accepted": 1, "duplicates": 2}
    stored = conn.execute("SELECT event_id, occurred_at FROM nextpick.events ORDER BY 2").fetchall()
    assert [row[0] for row in stored] == ["once", "other"]
    assert stored[1][1] == now + later


async def test_an_event_sent_again_after_its_user_was_erased_stays_away(
    empty: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    """Without a time a retry looks like something new: only the id tells that it is not."""
    sent = event(event_id="before")
    assert (await empty.post("/events", json=sent)).json() == {"accepted": 1, "duplicates": 0}
    assert (await empty.delete("/users/u1")).status_code == 200
    assert (await empty.post("/events", json=sent)).json() == {"accepted": 0, "duplicates": 1}
    assert (await empty.post("/events", json=event(event_id="after"))).json() == {"accepted": 1, "duplicates": 0}
    assert conn.execute("SELECT event_id FROM nextpick.events").fetchall() == [("after",)]


async def test_an_answer_that_is_not_known_yet_is_joined_later(
    client: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    """Impressions are written in batches, after the answer: an event may be quicker."""
    body = (await client.post("/recommend", json={"user_id": "tea01"})).json()
    for known in (body["recommendation_id"], str(uuid4())):
        sent = event(user_id="tea01", item_id="tea-01", recommendation_id=known)
        assert (await client.post("/events", json=sent)).json()["accepted"] == 1
    joined = "SELECT count(*) FROM nextpick.events JOIN nextpick.impressions USING (recommendation_id, user_id)"
    for _ in range(100):
        if conn.execute(joined).fetchone() == (1,):
            break
        conn.rollback()
        await asyncio.sleep(0.1)
    assert conn.execute(joined).fetchone() == (1,)


async def test_events_without_an_id_each_count(empty: httpx.AsyncClient) -> None:
    batch = {"events": [event(), event()]}
    assert (await empty.post("/events", json=batch)).json() == {"accepted": 2, "duplicates": 0}


async def test_a_thousand_events_go_in_one_request_and_the_same_id_twice_counts_once(
    empty: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    batch = {"events": [event(event_id=f"b{i % 999}") for i in range(1000)]}
    assert (await empty.post("/events", json=batch)).json() == {"accepted": 999, "duplicates": 1}
    metrics = (await empty.get("/metrics")).text
    assert 'nextpick_events_total{outcome="accepted"} 999.0' in metrics
    assert 'nextpick_events_total{outcome="duplicate"} 1.0' in metrics
    assert conn.execute("SELECT count(*) FROM nextpick.events").fetchone() == (999,)


async def test_a_partition_that_is_made_meanwhile_gets_the_event(
    empty: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    """Until it is there the event is on its way to the DEFAULT partition, which then refuses it."""
    partitions.ensure(conn, "events", datetime(2024, 5, 1, tzinfo=UTC))
    sending = asyncio.create_task(empty.post("/events", json=event(occurred_at="2024-05-07T00:00:00Z")))
    await asyncio.sleep(0.5)
    conn.commit()
    assert (await sending).json() == {"accepted": 1, "duplicates": 0}
    assert conn.execute("SELECT count(*) FROM nextpick.events_2024_05").fetchone() == (1,)


async def test_two_senders_of_the_same_events_store_each_once(
    empty: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    events = [event(event_id=f"r{i}") for i in range(200)]
    batches = [{"events": events}, {"events": events[::-1]}] * 4
    answers = await asyncio.gather(*(empty.post("/events", json=batch) for batch in batches))
    assert sum(answer.json()["accepted"] for answer in answers) == 200
    assert conn.execute("SELECT count(*), count(DISTINCT event_id) FROM nextpick.events").fetchone() == (200, 200)


@pytest.mark.parametrize("count", [0, 1001])
async def test_a_batch_has_one_to_a_thousand_events(empty: httpx.AsyncClient, count: int) -> None:
    response = await empty.post("/events", json={"events": [event()] * count})
    assert response.status_code == 422
    assert "events: List should have at " in response.json()["detail"]


async def test_one_wrong_event_refuses_the_batch_and_is_named(
    empty: httpx.AsyncClient, conn: psycopg.Connection
) -> None:
    late = (datetime.now(UTC) + timedelta(minutes=6)).isoformat()
    for wrong, where in ((event(item_id="a\0"), "item_id"), (event(occurred_at=late), "occurred_at")):
        response = await empty.post("/events", json={"events": [event(), event(), wrong]})
        assert response.status_code == 422
        assert response.json()["detail"].startswith(f"events.2.{where}: ")
    assert conn.execute("SELECT count(*) FROM nextpick.events").fetchone() == (0,)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("1999-12-31T23:59:59Z", "is before 2000-01-01"),
        ("0001-01-01T00:00:00+14:00", "is before 2000-01-01"),
        ("9999-12-31T23:59:59-14:00", "is more than 5 minutes in the future"),
        ("2025-11-12T10:00:00", "timezone"),
        (1763000000, "RFC 3339"),
        ("1763000000", "RFC 3339"),
        ("yesterday", "RFC 3339"),
        ("2025-13-12T10:00:00Z", "month"),
    ],
)
async def test_an_absurd_time_is_refused(empty: httpx.AsyncClient, moment: Any, said: str) -> None:
    response = await empty.post("/events", json=event(occurred_at=moment))
    assert response.status_code == 422
    assert said in response.json()["detail"]


async def test_a_clock_a_little_ahead_is_forgiven(empty: httpx.AsyncClient) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=4)).isoformat()
    assert (await empty.post("/events", json=event(occurred_at=soon))).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": ""},
        {"kind": "k" * 65},
        {"value": "much"},
        {"recommendation_id": "not-a-uuid"},
        {"event_id": "e" * 257},
        {"user_id": None},
        {"price": 1},
    ],
)
async def test_a_wrong_field_is_refused(empty: httpx.AsyncClient, wrong: dict[str, Any]) -> None:
    response = await empty.post("/events", json=event(**wrong))
    assert response.status_code == 422
    assert next(iter(wrong)) in response.json()["detail"]


async def test_a_value_beyond_a_double_is_refused(empty: httpx.AsyncClient) -> None:
    body = b'{"user_id": "u", "item_id": "i", "kind": "k", "value": 1e999}'
    response = await empty.post("/events", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422)
