"""The program of the API's image, without the image: what it says without a database, and whom its relay lets in."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from infra.images import healthy, serve
from nextpick.local import ports

ROOT = Path(__file__).resolve().parents[2]


def ask(path: str) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(serve.lacking(serve.settings_fault()))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.get(path)

    return asyncio.run(go())


def test_without_a_database_it_is_live_and_not_ready_and_says_why() -> None:
    assert ask("/health/live").json() == {"status": "live"}
    ready = ask("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["status"] == "not ready"
    assert ready.json()["reasons"][0].startswith("NEXTPICK_DATABASE_URL is not set. Start the container with -e")


def test_without_a_database_everything_else_is_a_problem_with_the_same_words() -> None:
    answer = ask("/recommend")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == serve.settings_fault()


@pytest.mark.parametrize(
    ("machine", "flags", "name"),
    [
        ("x86_64", serve.HASWELL | {"sse2"}, "x86-64-v3"),
        ("x86_64", frozenset({"sse2"}), None),  # compiles for itself
        ("aarch64", frozenset(), "generic"),
    ],
)
def test_kernels_are_compiled_for_what_every_machine_of_a_kind_has(
    machine: str, flags: frozenset[str], name: str | None
) -> None:
    assert serve.target(machine, flags).get("NUMBA_CPU_NAME") == name


class Answers(BaseHTTPRequestHandler):
    """Says by path what a health report may be, and to whom."""

    def do_GET(self) -> None:
        status, body = {
            "/fine": (200, {"scheduler": {"status": "healthy"}, "triggerer": {"status": None}, "release": None}),
            "/away": (503, {"status": "not ready", "release": 7}),
            "/who": (200, {"client": self.client_address[0]}),
        }[self.path]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answers) as one:
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        try:
            yield one.server_port
        finally:
            one.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("path", "part", "code"),
    [
        ("/fine", "", 0),
        ("/away", "", 1),
        ("/fine", "scheduler", 0),
        ("/fine", "triggerer", 1),
        ("/fine", "dag_processor", 1),
        ("/fine", "release", 1),  # nothing to answer with
        ("/away", "release", 0),  # Postgres is away, and it goes on answering
    ],
)
def test_health_checks_see_who_is_of_use(path: str, part: str, code: int) -> None:
    with server() as port:
        assert healthy.main(f"http://127.0.0.1:{port}{path}", part) == code


def test_a_health_check_of_nobody_fails_in_a_line() -> None:
    command = [sys.executable, str(ROOT / "infra" / "images" / "healthy.py"), f"http://127.0.0.1:{ports.free()}/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "ConnectionRefusedError: [Errno 111] Connection refused\n"


def test_the_relay_hands_on_and_back() -> None:
    async def go(behind: int) -> list[httpx.Response]:
        port = ports.free()
        relay = asyncio.create_task(serve.relay(port, behind))
        async with httpx.AsyncClient(trust_env=False) as client:
            for _ in range(100):
                try:
                    answers = [await client.get(f"http://127.0.0.1:{port}/who") for _ in range(3)]
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
        relay.cancel()
        await asyncio.wait({relay})
        return answers

    with server() as behind:
        assert [answer.json() for answer in asyncio.run(go(behind))] == [{"client": "127.0.0.1"}] * 3
