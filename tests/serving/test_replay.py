"""The held-back week through the real service: in order, once, and over a restart."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pandas as pd
import psycopg
import pytest
import uvicorn

from nextpick.api_client import ApiClient, Stopped
from nextpick.data.orders import Line, Order
from nextpick.errors import ApiError, DataError
from nextpick.local import ports
from nextpick.stages import load_sample, replay
from nextpick.store import loads
from serving.app import create_app
from tests.published import LAST
from tests.serving.conftest import settings_for
from tests.serving.test_process import ROOT, served, wait_for

SAMPLE = ROOT / "data" / "sample" / "online_retail.parquet"


@contextmanager
def listening(database_url: str, port: int | None = None, **settings: Any) -> Iterator[str]:
    """The address of the service, run by a thread of this process: it starts in no time."""
    port = port or ports.free()
    app = create_app(settings_for(database_url, **settings))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None))
    thread = Thread(target=server.run)
    thread.start()
    try:
        wait_for(f"http://127.0.0.1:{port}/health/live", 200, 30)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def order(number: int, user: str, items: list[str], seconds: float = 0, kind: str = "purchase") -> Order:
    lines = tuple(Line(f"{number}-{item}-{place}", item, 1.5) for place, item in enumerate(items))
    return Order(str(number), user, kind, LAST + timedelta(seconds=seconds), lines)


def play(orders: list[Order], url: str, speed: float = 1e9, key: str | None = None) -> list[replay.Played]:
    played, stopped = asyncio.run(replay.play(orders, 1, (url, key), speed, lambda order, done: None))
    assert not stopped
    return played


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """Some of the sample's invoices, six of them held back, as a file."""
    lines = pd.read_parquet(SAMPLE)
    late = lines[lines["InvoiceDate"] >= "2011-12-02 13:00"]
    chosen = late["InvoiceNo"].drop_duplicates().iloc[[0, 1, 2, 3, 4, -1]]
    path = tmp_path / "part.parquet"
    pd.concat([lines.head(100), late[late["InvoiceNo"].isin(chosen)]]).to_parquet(path)
    return path


def rows(conn: psycopg.Connection, query: str, *values: object) -> list[tuple[Any, ...]]:
    found = conn.execute(query, values or None).fetchall()
    conn.rollback()
    return found


def test_orders_reach_the_service_in_order_with_the_answer_that_went_before(
    conn: psycopg.Connection, database_url: str, release_id: int
) -> None:
    users = ("tea00", "tea01", "tool00")
    orders = [order(n, users[n % 3], [f"{users[n % 3][:-2]}-0{n % 5}", "tea-14"], n) for n in range(30)]
    orders.append(order(30, "tea00", ["tea-00"], 31, "return"))
    begun = datetime.now(UTC)
    with listening(database_url) as url:
        wait_for(f"{url}/health/ready", 200, 30)
        played = play(orders, url)
    assert len(played) == 31
    assert sum(one.events_new for one in played) == 61
    asked = [one for one in played if one.recommend_seconds is not None]
    assert len(asked) == 30
    assert sum(one.hit for one in asked) > 20  # these users rebuy, and the ranker knows
    assert all(one.sources.total() == replay.K for one in asked)
    for user in users:
        sent = rows(
            conn,
            "SELECT split_part(event_id, '-', 3)::int FROM nextpick.events "
            "WHERE event_id LIKE 'replay-1-%%' AND user_id = %s ORDER BY occurred_at, 1",
            user,
        )
        assert sent == sorted(sent)
    ((events, joined, late, before),) = rows(
        conn,
        "SELECT count(*), count(i.user_id), count(*) FILTER (WHERE i.answered_at > e.received_at), "
        "min(e.occurred_at) FROM nextpick.events AS e LEFT JOIN nextpick.impressions AS i "
        "USING (recommendation_id, user_id) WHERE event_id LIKE 'replay-%'",
    )
    assert (events, joined, late) == (61, 60, 0)
    assert isinstance(before, datetime)
    assert before >= begun


def test_gaps_are_divided_by_the_speed(database_url: str) -> None:
    orders = [order(n, f"u{n}", ["x"], n * 1000, "return") for n in range(3)]
    with listening(database_url) as url:
        begun = monotonic()
        play(orders, url, speed=1000)
        assert monotonic() - begun >= 2


def test_a_restart_of_the_service_loses_and_doubles_nothing(
    conn: psycopg.Connection, database_url: str, release_id: int, tmp_path: Path
) -> None:
    orders = [order(n, f"tea{n % 12:02}", ["tea-00", "tea-01"], n / 20) for n in range(100)]
    played: list[replay.Played] = []
    port = ports.free()
    with served(database_url, tmp_path, port, NEXTPICK_API_OPEN_TO_LOOPBACK="true") as (url, process):
        wait_for(f"{url}/health/ready", 200, 30)
        thread = Thread(target=lambda: played.extend(play(orders, url, speed=1)))
        thread.start()
        sleep(1.5)
        process.kill()
        process.wait()
        assert thread.is_alive()
    with listening(database_url, port):
        thread.join(100)
    assert len(played) == 100
    assert sum(one.retries for one in played) > 0
    assert rows(conn, "SELECT count(*) FROM nextpick.events WHERE event_id LIKE 'replay-%'") == [(200,)]


def test_a_replay_goes_on_where_it_stopped_or_starts_over(
    conn: psycopg.Connection, database_url: str, release_id: int, part: Path
) -> None:
    load_sample.run(conn, part, now=datetime.now(UTC))

    def run(limit: int | None = None, again: bool = False) -> tuple[int, int, int]:
        report = replay.run(conn, part, (url, None), speed=1e9, limit=limit, again=again)
        return report.round_number, len(report.played), report.left

    with listening(database_url) as url:
        wait_for(f"{url}/health/ready", 200, 30)
        assert run(limit=2) == (1, 2, 4)
        assert run(limit=3) == (1, 3, 1)
        assert run() == (1, 1, 0)
        assert run() == (1, 0, 0)
        assert run(limit=2, again=True) == (2, 2, 4)
        assert run() == (2, 4, 0)
    sent = len(replay.held_back(part)), sum(len(order.lines) for order in replay.held_back(part))
    assert sent[0] == 6
    ((events, ids),) = rows(
        conn,
        "SELECT count(*), count(DISTINCT split_part(event_id, '-', 3)) FROM nextpick.events "
        "WHERE event_id LIKE 'replay-%'",
    )
    assert (events, ids) == (2 * sent[1], 6)


def test_ctrl_c_ends_a_replay_cleanly_and_says_how_to_go_on(conn: psycopg.Connection, database_url: str) -> None:
    loads.stage(conn)
    loads.record(conn, loads.Load(load_sample.SOURCE, False, datetime.now(UTC), 0, shift_days=5467))
    conn.commit()
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        command = [sys.executable, "-m", "nextpick", "replay", "--speed", "1", "--api", url]
        environment = {**os.environ, "NEXTPICK_DATABASE_URL": database_url}
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
            deaf.settimeout(60)
            deaf.accept()[0].close()  # now it waits for a service that does not answer
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "692 orders are left; run it again to go on from here.\n"


def test_without_the_sample_there_is_nothing_to_replay(conn: psycopg.Connection, part: Path) -> None:
    with pytest.raises(DataError, match=r"the sample is not loaded\. Run `nextpick load --sample` first"):
        replay.run(conn, part, ("http://127.0.0.1:1", None), speed=1)


def test_a_service_that_refuses_is_named_with_what_to_do(database_url: str) -> None:
    orders = [order(n, f"u{n}", ["x"]) for n in range(20)]
    with (
        listening(database_url, api_open_to_loopback=False) as url,
        pytest.raises(ApiError, match=r"refuses /recommend: 401.*Set NEXTPICK_API_KEY"),
    ):
        play(orders, url)


def test_a_service_with_a_key_is_asked_with_it(database_url: str) -> None:
    digest = hashlib.sha256(b"k1").hexdigest()
    with listening(database_url, api_open_to_loopback=False, api_key_sha256=digest) as url:
        assert len(play([order(1, "u", ["x"], kind="return")], url, key="k1")) == 1


@contextmanager
def saying(*answers: tuple[int, dict[str, str]]) -> Iterator[tuple[str, list[float]]]:
    """A service that gives these statuses and headers, then 200; and when each request came."""
    came: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            status, headers = answers[len(came)] if len(came) < len(answers) else (200, {})
            came.append(monotonic())
            body = json.dumps({"detail": "Too busy."} if status != 200 else {"items": []}).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", came
        finally:
            server.shutdown()


@pytest.mark.anyio
async def test_a_retry_after_is_waited_for_and_told_of_once() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    told: list[str] = []
    with saying((429, {"Retry-After": "1"}), (503, {"Retry-After": soon}), (503, {"Retry-After": "soon"})) as service:
        url, came = service
        async with ApiClient(url, None, asyncio.Event(), say=told.append) as client:
            reply = await client.recommend("u", 1)
    assert reply.retries == 3
    assert came[1] - came[0] >= 1
    assert 1 <= reply.waited_seconds <= 3
    assert told[0] == "The API asks to wait 1 s: 429, Too busy."
    assert len(told) <= 2


@pytest.mark.anyio
async def test_a_retry_after_beyond_our_patience_ends_it_at_once() -> None:
    begun = monotonic()
    with saying((429, {"Retry-After": "86400"})) as (url, _):
        async with ApiClient(url, None, asyncio.Event(), patience_seconds=5) as client:
            with pytest.raises(ApiError, match=r"after 5 s: 429, Too busy"):
                await client.recommend("u", 1)
    assert monotonic() - begun < 5


@pytest.mark.anyio
async def test_a_stop_is_heard_while_a_retry_after_is_waited_for() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.3, stop.set)
    with saying(*[(503, {"Retry-After": "50"})] * 3) as (url, _):
        async with ApiClient(url, None, stop) as client:
            with pytest.raises(Stopped):
                await client.recommend("u", 1)


@pytest.mark.anyio
async def test_a_service_that_stays_away_is_given_up_on() -> None:
    told: list[str] = []
    async with ApiClient(f"http://127.0.0.1:{ports.free()}", None, asyncio.Event(), 0.3, told.append) as client:
        with pytest.raises(ApiError, match=r"Gave up on the API at .* after 0\.3 s: it does not answer.*Is it running"):
            await client.recommend("u", 1)
    (said,) = told  # at once, and once
    assert "it does not answer (ConnectError" in said
    assert said.endswith("It is asked again for up to 0.3 s")
