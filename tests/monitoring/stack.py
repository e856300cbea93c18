"""A real Prometheus and a real Alertmanager beside a real API, all on ports of their own."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import httpx
import yaml

from nextpick.local import ports
from tests.serving.test_process import wait_for

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "monitoring"
SCRAPE = "2s"  # and no longer may it take, however busy the machine


def until(true: Callable[[], bool], what: object, seconds: float = 180) -> None:
    """Wait for it; `what` is shown as it is then."""
    end = monotonic() + seconds
    while not true():
        assert monotonic() < end, f"not within {seconds} s: {what}"
        sleep(0.3)


@contextmanager
def running(words: list[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A program, ended afterwards."""
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out, cwd=log.parent)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def listener() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's URL, and what came there."""
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/services/T0/B0/secret", heard
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def alertmanager(folder: Path, slack: str) -> Iterator[str]:
    """Alertmanager's address, with the project's configuration and the webhook in a file."""
    (folder / "webhook").write_text(slack)
    text = (MONITORING / "alertmanager" / "alertmanager.yml").read_text()
    text = text.replace("/run/secrets/slack_webhook", str(folder / "webhook"))
    (folder / "alertmanager.yml").write_text(re.sub(r"group_wait: \d+s", "group_wait: 1s", text))
    address = f"127.0.0.1:{ports.free()}"
    words = ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/am"]
    words += [f"--web.listen-address={address}", "--cluster.listen-address="]
    with running(words, folder / "alertmanager.log"):
        wait_for(f"http://{address}/-/ready", 200, 60)
        yield address


@contextmanager
def prometheus(folder: Path, api: str, alerts: str) -> Iterator[str]:
    """Prometheus' address, with the project's configuration; it only looks more often."""
    config = yaml.safe_load((MONITORING / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": "1s"}
    config["rule_files"] = [str(MONITORING / "prometheus" / "rules" / "*.yml")]
    text = yaml.safe_dump(config).replace("serving:8080", api).replace("alertmanager:9093", alerts)
    (folder / "prometheus.yml").write_text(text)
    address = f"127.0.0.1:{ports.free()}"
    words = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
    with running([*words, f"--web.listen-address={address}"], folder / "prometheus.log"):
        wait_for(f"http://{address}/-/ready", 200, 60)
        yield f"http://{address}"


def asked(prometheus: str, query: str) -> list[dict[str, Any]]:
    """The series that answer a query now. A query that Prometheus does not take fails."""
    answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, timeout=20).json()
    assert answer["status"] == "success", f"{query}: {answer.get('error')}"
    found = answer["data"]["result"]
    return found if answer["data"]["resultType"] == "vector" else [found]


def firing(prometheus: str) -> set[str]:
    """The alerts that fire or are about to."""
    alerts = httpx.get(f"{prometheus}/api/v1/alerts", timeout=20).json()["data"]["alerts"]
    return {one["labels"]["alertname"] for one in alerts}
