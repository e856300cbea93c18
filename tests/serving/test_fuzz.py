"""Requests that nobody would think of, against the real process: what schemathesis makes of the OpenAPI document.

NEXTPICK_FUZZ_EXAMPLES says how many to make for each operation in each phase; 60 make several thousand in some minutes.
"""

import hashlib
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest

from tests.published import Version
from tests.serving.test_process import served, wait_for

KEY = "k1"
EXAMPLES = os.environ.get("NEXTPICK_FUZZ_EXAMPLES", "8")
SEED = "20261128"
CONFIG = Path(__file__).with_name("schemathesis.toml")
LEAST = 1000  # requests


def test_no_request_of_the_document_finds_a_fault(
    database_url: str, conn: psycopg.Connection, version: Version, release_id: int, tmp_path: Path
) -> None:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    with served(database_url, tmp_path, NEXTPICK_API_KEY_SHA256=digest) as (address, process):
        wait_for(f"{address}/health/ready", 200, 60)
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={CONFIG}",
            "run",
            f"{address}/openapi.json",
            f"--header=X-API-Key: {KEY}",
            "--checks=all",
            f"--max-examples={EXAMPLES}",
            f"--seed={SEED}",
            "--continue-on-failure",
            "--suppress-health-check=all",
            "--no-color",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=580)
        assert process.poll() is None, "the service ended"
    log = (tmp_path / "api.log").read_text()
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    assert "request failed" not in log
    found = re.search(r"(\d+) generated", done.stdout)
    assert found is not None
    assert int(found[1]) >= LEAST


ODD_IDS = [
    "nobody", "x" * 256, "x" * 257, "x" * 10_000, "\0", "a\0b", "' OR 1=1 --", "'; DROP TABLE nextpick.events; --",
    "%", "_", "..", "../../etc/passwd", "a/b", "/similar", "?", "#", "null", "NaN", "\u202e", "\ud83d\ude00" * 60,
    "e\u0301", " ", "\n", "%s", "{}",
]  # fmt: skip


@pytest.mark.anyio
@pytest.mark.parametrize("odd", ODD_IDS)
async def test_an_odd_id_is_answered_or_refused_and_nothing_breaks(client: httpx.AsyncClient, odd: str) -> None:
    odd = odd.encode("utf-16", "surrogatepass").decode("utf-16")
    quoted = quote(odd, safe="")
    answers = [
        await client.post("/recommend", json={"user_id": odd, "exclude_item_ids": [odd], "recent_item_ids": [odd]}),
        await client.post("/recommend", json={"recent_item_ids": [odd], "categories": {"any": [odd]}}),
        await client.post("/rank", json={"user_id": odd, "item_ids": [odd, "tea-01"]}),
        await client.post("/events", json={"user_id": odd, "item_id": odd, "kind": odd[:64], "event_id": odd}),
        await client.put("/items", json={"item_id": odd, "title": odd, "categories": [odd]}),
        await client.get(f"/items/{quoted}"),
        await client.get(f"/items/{quoted}/similar"),
        await client.get("/popular", params={"category": odd}),
        await client.get(f"/users/{quoted}"),
        await client.delete(f"/users/{quoted}"),
    ]
    assert {answer.status_code for answer in answers} <= {200, 404, 405, 422}, [a.text[:200] for a in answers]
    assert (await client.post("/recommend", json={"user_id": "tea01"})).status_code == 200


@pytest.mark.anyio
async def test_an_id_with_a_line_break_is_another_id(client: httpx.AsyncClient) -> None:
    assert (await client.get("/users/tea01")).status_code == 200
    for odd in ("tea01\n", "\n", "tea01\n\n", "\ntea01"):
        assert (await client.delete(f"/users/{quote(odd)}")).json()["user_id"] == odd
        assert (await client.get(f"/users/{quote(odd)}")).status_code == 404
        assert (await client.get(f"/items/{quote(odd)}")).status_code == 404
    assert (await client.get("/users/tea01")).status_code == 200


@pytest.mark.anyio
async def test_a_zone_or_a_year_that_postgres_does_not_know_breaks_nothing(client: httpx.AsyncClient) -> None:
    for moment, status in (
        ("2020-04-15T15:23:16-23:59", 200),
        ("0419-04-15T15:23:16.914-17:38", 200),
        ("0001-01-01T00:00:00+14:00", 422),
        ("9999-12-31T23:59:59-14:00", 422),
    ):
        put = await client.put("/items", json={"item_id": "odd", "published_at": moment})
        assert put.status_code == status, put.text
        assert (await client.get("/items/odd")).status_code == 200
    event = {"user_id": "u", "item_id": "i", "kind": "k", "occurred_at": "2020-04-15T15:23:16-23:59"}
    assert (await client.post("/events", json=event)).json()["accepted"] == 1


@pytest.mark.anyio
async def test_a_body_of_a_megabyte_is_read_and_one_byte_more_is_not(client: httpx.AsyncClient) -> None:
    head = {"content-type": "application/json"}
    for size, statuses in ((1_000_000, {400, 422}), (1_000_001, {413})):
        for filling in (b"[", b"9", b'"', b" ", b'{"a":', b"\xff"):
            body = (filling * size)[:size]
            for method, path in (("POST", "/recommend"), ("POST", "/rank"), ("POST", "/events"), ("PUT", "/items")):
                answer = await client.request(method, path, content=body, headers=head)
                assert answer.status_code in statuses, f"{path} {filling!r}: {answer.status_code} {answer.text[:200]}"


def test_clients_that_drip_hold_up_nobody(database_url: str, release_id: int, tmp_path: Path) -> None:
    """Slow heads and slow bodies, two hundred of them: others are answered meanwhile, and the service lives."""
    head = b"POST /recommend HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with (
        served(database_url, tmp_path, NEXTPICK_API_OPEN_TO_LOOPBACK="true") as (address, process),
        ExitStack() as open_,
    ):
        wait_for(f"{address}/health/ready", 200, 60)
        url = httpx.URL(address)
        slow = [open_.enter_context(socket.create_connection((url.host, url.port or 80))) for _ in range(200)]
        for number, one in enumerate(slow):
            one.sendall(head[: 1 + number % len(head)] if number % 2 else head + b"Content-Length: 500000\r\n\r\n")
        for turn in range(20):
            for one in slow:
                with suppress(OSError):  # it may have been cut off, which is well
                    one.send(b"[" if turn else b" ")
            answer = httpx.post(f"{address}/recommend", json={"user_id": "tea01"}, timeout=10)
            assert answer.status_code == 200
        assert process.poll() is None
    assert "request failed" not in (tmp_path / "api.log").read_text()
