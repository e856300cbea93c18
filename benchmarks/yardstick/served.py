"""Servers to measure: each a process of its own on a core of its own, with one worker, as `make run` starts the API."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
from nextpick.local.process import end, send
from nextpick.models import shapley, trees
from nextpick.models.bundle import Bundle
from nextpick.store import keys
from nextpick.store.migrate import migrate

START_SECONDS = 300.0  # the first start ever compiles, and machines are shared


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

    def kept_waiting(self) -> float:
        """Seconds in which the threads it has now could have run while others had the core; 0 where the kernel keeps
        no count. Format: Linux, Documentation/scheduler/sched-stats.rst."""
        waited = 0
        for path in Path(f"/proc/{self.process.pid}/task").glob("*/schedstat"):
            with suppress(OSError):  # that thread has ended meanwhile
                waited += int(path.read_text().split()[1])
        return waited / 1e9


def in_list_order() -> FastAPI:
    """The service as it is, but with the ranker left out: lists go out in the order they were computed in."""
    import serving.recommender
    from serving.app import create_app

    serving.recommender.answer = partial(serving.recommender.answer, rerank=False)
    return create_app()


class Place:
    """A throw-away Postgres with the settings of `make run` on one core, and a folder for what goes with it."""

    def __init__(self, folder: Path, core: int) -> None:
        self.folder, self._core = folder, core
        self._cluster, self._port = postgres.Cluster(folder / "postgres"), ports.free()
        self.url = f"postgresql://postgres:benchmark@127.0.0.1:{self._port}/"
        postgres.create(self._cluster, "benchmark")
        self.start()

    def start(self) -> None:
        """To be called from the thread that lives longest: the server ends with it."""
        self.process = postgres.start(self._cluster, self._port, self.folder / "postgres.log", tied=True)
        pin(self.process.pid, self._core)

    def stop(self) -> None:
        """In an orderly way, as `make run` ends it."""
        postgres.stop(self.process)


@contextmanager
def postgres_here(folder: Path, core: int) -> Iterator[Place]:
    """A server, ended afterwards."""
    place = Place(folder, core)
    try:
        yield place
    finally:
        place.stop()


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Meanwhile a process and all it started stand still: their connections stay, and nothing comes."""
    first = psutil.Process(pid)
    send(first, signal.SIGSTOP)  # from now on it starts no more
    rest = first.children(recursive=True)
    for one in rest:
        send(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in (*rest, first):
            send(one, signal.SIGCONT)


@dataclass(frozen=True)
class Mlflow:
    """A server, which takes long to start."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def wait(self) -> None:
        """Until it is up."""
        wait("MLflow", self.process, self.log, lambda: httpx.get(f"{self.url}/health"))


@contextmanager
def mlflow_here(folder: Path, core: int) -> Iterator[Mlflow]:
    """One that starts, on one core; ended afterwards."""
    port, log = ports.free(), folder / "mlflow.log"
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    words = ["mlflow", "server", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *words, "--host", "127.0.0.1", "--workers", "1"],
            env={**os.environ, **quiet},
            cwd=folder,
            stdout=out,
            stderr=out,
            preexec_fn=partial(pin, 0, core),
        )
    try:
        yield Mlflow(f"http://127.0.0.1:{port}", process, log)
    finally:
        first = psutil.Process(process.pid)
        end([*first.children(recursive=True), first], 15)
        process.wait()


def pin(pid: int, core: int) -> None:
    """A process and those it starts from now on keep to one core, where the machine can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, {core})


def database(place: Place, name: str, shop: Shop, model: Bundle, size: int) -> tuple[str, str]:
    """A database with a live release whose lists have `size` items: its URL, and a key to be served."""
    with psycopg.connect(place.url + "postgres", autocommit=True) as conn:
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
def serving(
    name: str, factory: str, core: int, folder: Path, url: str = "", key: str = "", mlflow: str = ""
) -> Iterator[Server]:
    """An app, started and answering 200 to a recommendation; ended afterwards."""
    for kernels in (trees, shapley):
        kernels.compiled()  # and kept on disk: else a server would compile while it is measured
    port, log = ports.free(), folder / f"{name.replace(' ', '-')}.log"
    environment = {**os.environ, "NEXTPICK_DATABASE_URL": url, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment |= {"NEXTPICK_MLFLOW_URL": mlflow} if mlflow else {}
    words = [sys.executable, "-m", "uvicorn", factory, "--factory", "--port", str(port), "--no-access-log"]
    with log.open("wb") as out:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=out, preexec_fn=partial(pin, 0, core))
    headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}
    server = Server(name, port, headers, process, log, url)
    try:
        address, somebody = f"http://127.0.0.1:{port}/recommend", {"user_id": "user00001"}
        wait(name, process, log, lambda: httpx.post(address, json=somebody, headers=headers))
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def wait(name: str, process: "subprocess.Popen[bytes]", log: Path, ask: Callable[[], httpx.Response]) -> None:
    """Until it answers 200; where it does not, this program ends with what its log says."""
    until = monotonic() + START_SECONDS
    while monotonic() < until and process.poll() is None:
        with suppress(httpx.TransportError):
            if ask().status_code == 200:
                return
        sleep(0.2)
    sys.exit(f"{name} did not start; its log:\n{log.read_text()[-3000:]}")


def request(server: Server, user_id: str, top_k: int = 10) -> bytes:
    """One request as it goes over the wire."""
    body = b'{"user_id":"%s","top_k":%d}' % (user_id.encode(), top_k)
    head = [b"POST /recommend HTTP/1.1", b"Host: 127.0.0.1", b"Content-Length: %d" % len(body)]
    head += [f"{name}: {value}".encode() for name, value in server.headers.items()]
    return b"\r\n".join([*head, b"", body])


def wrk() -> str | None:
    """Where wrk is."""
    return shutil.which("wrk")
