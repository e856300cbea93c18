"""The real process: uvicorn on a port of its own, talked to over TCP, stopped by a signal."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import psycopg

from nextpick.local import ports
from tests.published import Version, fill, publish

ROOT = Path(__file__).resolve().parents[2]
KEY = "k1"


@contextmanager
def served(
    database_url: str, home: Path, port: int | None = None, **environment: str
) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The address of a running service, on a free port where none is given, and its process."""
    port = port or ports.free()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NEXTPICK_")}
    command = [sys.executable, "-m", "uvicorn", "serving.app:create_app", "--factory", "--port", str(port)]
    with (home / "api.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--no-access-log"],
            cwd=ROOT,
            env={**clean, "NEXTPICK_DATABASE_URL": database_url, **environment},
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/health/live", 200, 90)  # importing takes long where much else runs
        yield address, process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(url: str, status: int, seconds: float) -> httpx.Response:
    end = monotonic() + seconds
    while True:
        try:
            response = httpx.get(url, timeout=2)
        except httpx.TransportError:
            response = None
        if response is not None and response.status_code == status:
            return response
        assert monotonic() < end, f"{url} did not answer {status} within {seconds} s: {response and response.text}"
        sleep(0.05)


def test_the_service_starts_empty_serves_the_first_release_and_flushes_when_told_to_stop(
    database_url: str, conn: psycopg.Connection, version: Version, tmp_path: Path
) -> None:
    with served(database_url, tmp_path, NEXTPICK_API_OPEN_TO_LOOPBACK="true") as (address, process):
        assert httpx.get(f"{address}/health/ready").status_code == 503
        response = httpx.post(f"{address}/recommend", json={"user_id": "tea03"})
        assert response.status_code == 503
        assert "Publish one" in response.json()["detail"]
        fill(conn)
        conn.commit()
        release_id = publish(conn, version)
        ready = wait_for(f"{address}/health/ready", 200, 30).json()
        assert ready["release"] == release_id
        before = httpx.post(f"{address}/recommend", json={"user_id": "tea03"}).json()
        last = before["items"][-1]["item_id"]
        bought = {"user_id": "tea03", "item_id": last, "kind": "purchase"}
        bought["recommendation_id"] = before["recommendation_id"]
        httpx.post(f"{address}/events", json={"events": [bought] * 9}).raise_for_status()
        after = httpx.post(f"{address}/recommend", json={"user_id": "tea03"}).json()
        assert [i["item_id"] for i in after["items"]] != [i["item_id"] for i in before["items"]]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
    joined = conn.execute(
        "SELECT count(*) FROM nextpick.events JOIN nextpick.impressions USING (recommendation_id)"
    ).fetchone()
    assert joined == (9,)
    stored = conn.execute("SELECT count(*) FROM nextpick.impressions").fetchone()
    assert stored == (2,)


def test_a_closed_service_lets_in_only_the_key_whatever_headers_say(database_url: str, tmp_path: Path) -> None:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    # FORWARDED_ALLOW_IPS=*: uvicorn itself believes X-Forwarded-For, which must still open nothing
    environment = {"NEXTPICK_API_KEY_SHA256": digest, "FORWARDED_ALLOW_IPS": "*"}
    with served(database_url, tmp_path, **environment) as (address, _):
        event = {"user_id": "u", "item_id": "i", "kind": "purchase"}

        def status(**headers: str) -> int:
            return httpx.post(f"{address}/events", json=event, headers=headers).status_code

        assert status() == 401
        assert status(**{"X-API-Key": "k2"}) == 401
        assert status(**{"X-Forwarded-For": "127.0.0.1"}) == 401
        assert status(**{"X-API-Key": KEY}) == 200


def test_an_open_service_behind_a_proxy_is_not_open_to_the_proxys_clients(database_url: str, tmp_path: Path) -> None:
    environment = {"NEXTPICK_API_OPEN_TO_LOOPBACK": "true", "FORWARDED_ALLOW_IPS": "*"}
    with served(database_url, tmp_path, **environment) as (address, _):
        event = {"user_id": "u", "item_id": "i", "kind": "purchase"}
        assert httpx.post(f"{address}/events", json=event).status_code == 200
        for claimed in ("203.0.113.9", "127.0.0.1"):
            response = httpx.post(f"{address}/events", json=event, headers={"X-Forwarded-For": claimed})
            assert response.status_code == 401
