"""Servers to measure: each a process of its own on a core of its own, with one worker, as `make run` starts the API."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, sleep

import httpx
import psutil
import psycopg
from fastapi import FastAPI

from benchmarks.yardstick.shop import Shop, published, resized
from nextpick.keys import Scope, make
from nextpick.local import ports, postgres
from nextpick.models.bundle import Bundle
from nextpick.store import keys
from nextpick.store.migrate import migrate

START_SECONDS = 120.0  # the first start ever compiles


@dataclass
class Server:
    """One app under uvicorn; `headers` are what a caller must send, `url` is its database, where it has one."""

    name: str
    port: int
    headers: dict[str, str]
    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""
    seen: psutil.Process = field(init=False)

    def __post_init__(self) -> None:
        self.seen = psutil.Process(self.process.pid)

    def cpu(self) -> float:
        """CPU seconds so far."""
        times = self.seen.cpu_times()
        return float(times.user + times.system)

    def megabytes(self) -> float:
        """Of memory that is its own (PSS)."""
        return float(self.seen.memory_full_info().pss) / 1e6


def in_list_order() -> FastAPI:
    """The service as it is, but with the ranker left out: lists go out in the order they were computed in."""
    import serving.recommender
    from serving.app import create_app

    serving.recommender.answer = partial(serving.recommender.answer, rerank=False)
    return create_app()


@dataclass(frozen=True)
class Place:
    """A throw-away Postgres, and where things are kept that go with it."""

    folder: Path
    url: str
    admin: str


@contextmanager
def postgres_here(folder: Path, core: int) -> Iterator[Place]:
    """A server with the settings of `make run` on one core, ended afterwards."""
    cluster, port = postgres.Cluster(folder / "postgres"), ports.free()
    postgres.create(cluster, "benchmark")
    process = postgres.start(cluster, port, folder / "postgres.log", tied=True)
    pin(process.pid, core)
    url = f"postgresql://postgres:benchmark@127.0.0.1:{port}/"
    try:
        yield Place(folder, url, url + "postgres")
    finally:
        postgres.stop(process)


def pin(pid: int, core: int) -> None:
    """A process and those it starts from now on keep to one core, where the machine can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {core})


def database(place: Place, name: str, shop: Shop, model: Bundle, size: int) -> tuple[str, str]:
    """A database with a live release whose lists have `size` items: its URL, and a key to be served."""
    with psycopg.connect(place.admin, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    url = place.url + name
    migrate(url)
    folder = place.folder / f"bundle-{name}"
    with psycopg.connect(url) as conn:
        published(conn, shop, resized(model, size), folder)
        key, text = make("benchmark", [Scope.SERVE, Scope.EVENTS], None)
        keys.add(conn, key, made_by="a benchmark")
    return url, text


@contextmanager
def serving(name: str, factory: str, core: int, folder: Path, url: str = "", key: str = "") -> Iterator[Server]:
    """An app, started and answering 200 to a recommendation; ended afterwards."""
    port, log = ports.free(), folder / f"{name.replace(' ', '-')}.log"
    environment = {**os.environ, "NEXTPICK_DATABASE_URL": url, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "uvicorn", factory, "--factory", "--port", str(port), "--no-access-log"]
    with log.open("wb") as out:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=out, preexec_fn=partial(pin, 0, core))
    headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}
    server = Server(name, port, headers, process, log, url)
    try:
        _wait(server)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(server: Server) -> None:
    until = monotonic() + START_SECONDS
    while monotonic() < until and server.process.poll() is None:
        try:
            answer = httpx.post(
                f"http://127.0.0.1:{server.port}/recommend", json={"user_id": "user00001"}, headers=server.headers
            )
            if answer.status_code == 200:
                return
        except httpx.TransportError:
            pass
        sleep(0.2)
    sys.exit(f"{server.name} did not start; its log:\n{server.log.read_text()[-3000:]}")


def request(server: Server, user_id: str, top_k: int = 10) -> bytes:
    """One request as it goes over the wire."""
    body = b'{"user_id":"%s","top_k":%d}' % (user_id.encode(), top_k)
    head = [b"POST /recommend HTTP/1.1", b"Host: 127.0.0.1", b"Content-Length: %d" % len(body)]
    head += [f"{name}: {value}".encode() for name, value in server.headers.items()]
    return b"\r\n".join([*head, b"", body])


def wrk() -> str | None:
    """Where wrk is."""
    return shutil.which("wrk")
