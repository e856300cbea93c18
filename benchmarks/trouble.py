"""What do readers and tellers of events notice of trouble: flips, a Postgres that restarts, one that is frozen?

CLIENTS ask for recommendations without pause but a short one, and TELLERS post events, each until it is acknowledged,
while one thing after the other happens to a service of one worker and its Postgres.

reads, answered_within_300ms  how many, and the share of them; read_5xx is how many were refused or failed
fresh_again_s   from Postgres being back to the first answer that is not degraded: the longest
events_acknowledged, events_lost, events_doubled  as the database has them afterwards

    python -m benchmarks.trouble
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from time import perf_counter
from uuid import uuid4

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import psycopg

from benchmarks.yardstick.served import Server, pin, serving
from benchmarks.yardstick.shop import CUTOFF, USERS, Version, bundle, published, shop
from nextpick.keys import Scope, make
from nextpick.local import ports, postgres
from nextpick.release.publish import finish
from nextpick.stages import precompute
from nextpick.store import keys, releases
from nextpick.store.migrate import migrate

CLIENTS, TELLERS, PER_BATCH = 16, 2, 5
PAUSE_SECONDS, FROZEN_SECONDS, LIMIT = 0.05, 5.0, 0.3
WARM_SECONDS = 5.0  # of load before anything happens: connections and compiled code are not what is measured
SERVER_CORE, OTHER_CORE = 0, 1


@dataclass
class Noticed:
    """Seconds of each read, and what was wrong; `fresh` is when a read was last answered whole."""

    reads: list[float] = field(default_factory=list)
    failed: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    fresh: float = 0.0
    fresh_again: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)


@dataclass
class Database:
    """A durable Postgres that can be restarted and frozen."""

    cluster: postgres.Cluster
    port: int
    log: Path
    process: "Popen[bytes]"

    @classmethod
    def of(cls, folder: Path) -> "Database":
        cluster, port, log = postgres.Cluster(folder / "postgres"), ports.free(), folder / "postgres.log"
        postgres.create(cluster, "benchmark")
        return cls(cluster, port, log, postgres.start(cluster, port, log, tied=True))

    @property
    def url(self) -> str:
        return f"postgresql://postgres:benchmark@127.0.0.1:{self.port}/"

    async def restart(self) -> None:
        await asyncio.to_thread(postgres.stop, self.process)
        # Tied, it would end with the thread that started it.
        self.process = await asyncio.to_thread(postgres.start, self.cluster, self.port, self.log)

    async def freeze(self) -> None:
        """Every process of it stands still, those of sessions too."""
        import psutil

        whole = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        for one in whole:
            one.send_signal(signal.SIGSTOP)
        await asyncio.sleep(FROZEN_SECONDS)
        for one in whole:
            one.send_signal(signal.SIGCONT)


class Client:
    """One connection, which is opened anew where it was lost."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
        """Status and body; status 0 where the connection was lost."""
        sent = json.dumps(body).encode()
        head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(sent)}"]
        head += [f"{name}: {value}" for name, value in self._server.headers.items()]
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._server.port)
            reader, writer = self._streams
            writer.write("\r\n".join([*head, "", ""]).encode() + sent)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            length = next(int(line.split(":")[1]) for line in lines if line.startswith("content-length"))
            return int(lines[0].split(" ")[1]), json.loads(await reader.readexactly(length))
        except (OSError, EOFError):
            self._streams = None
            return 0, {}


async def read(server: Server, noticed: Noticed, stop: asyncio.Event, number: int) -> None:
    client, asked = Client(server), number
    while not stop.is_set():
        asked += CLIENTS
        begun = perf_counter()
        status, body = await client.post("/recommend", {"user_id": f"user{asked % USERS:05}", "top_k": 10})
        noticed.reads.append(perf_counter() - begun)
        noticed.statuses[status] = noticed.statuses.get(status, 0) + 1
        if status != 200:
            noticed.failed += 1
        elif not body["degraded"]:
            noticed.fresh = perf_counter()
        await asyncio.sleep(PAUSE_SECONDS)


async def tell(server: Server, noticed: Noticed, stop: asyncio.Event, number: int) -> None:
    client = Client(server)
    while not stop.is_set():
        ids = [uuid4().hex for _ in range(PER_BATCH)]
        event = {"user_id": f"user{number:05}", "item_id": "item00001", "kind": "purchase"}
        batch: dict[str, object] = {"events": [{**event, "event_id": one} for one in ids]}
        while (await client.post("/events", batch))[0] != 200:
            await asyncio.sleep(0.2)  # as long as it takes: what is not acknowledged is not known to be stored
        noticed.acknowledged |= set(ids)
        await asyncio.sleep(PAUSE_SECONDS)


async def fresh_again(noticed: Noticed) -> None:
    """Wait for an answer that is whole, and note how long that took."""
    since = perf_counter()
    while noticed.fresh < since and perf_counter() - since < 30:
        await asyncio.sleep(0.01)
    noticed.fresh_again.append(perf_counter() - since)


async def trouble(server: Server, database: Database, both: list[int], rounds: int) -> Noticed:
    """All of it, `rounds` times, under load."""
    noticed, stop = Noticed(), asyncio.Event()
    loads = [asyncio.create_task(read(server, noticed, stop, number)) for number in range(CLIENTS)]
    loads += [asyncio.create_task(tell(server, noticed, stop, number)) for number in range(TELLERS)]

    async def flips() -> None:
        for release_id in both * 3:
            await asyncio.to_thread(flip, server.url, release_id)
            await asyncio.sleep(1)

    happening: dict[str, Callable[[], Awaitable[None]]] = {
        "flips": flips, "restart": database.restart, "frozen": database.freeze,
    }  # fmt: skip
    await asyncio.sleep(WARM_SECONDS)
    noticed.reads.clear()
    for _ in range(rounds):
        for name, happen in happening.items():
            before, failed = len(noticed.reads), noticed.failed
            await happen()
            await fresh_again(noticed)
            await asyncio.sleep(3)
            slow = sum(seconds > LIMIT for seconds in noticed.reads[before:])
            print(
                f"{name:>8}  {len(noticed.reads) - before:6} reads  {slow} over {LIMIT:g} s  "
                f"{noticed.failed - failed} failed  slowest {max(noticed.reads[before:]):.3f} s  "
                f"fresh again after {noticed.fresh_again[-1]:.2f} s",
                file=sys.stderr,
            )
    stop.set()
    await asyncio.gather(*loads)
    return noticed


def flip(url: str, release_id: int) -> None:
    """Make a release live."""
    with psycopg.connect(url) as conn, conn.transaction():
        releases.flip(conn, release_id)


def prepared(database: Database, folder: Path, size: int) -> tuple[str, str, list[int]]:
    """A database with two releases, the first live: its URL, a key, and their ids."""
    with psycopg.connect(database.url + "postgres", autocommit=True) as conn:
        conn.execute("CREATE DATABASE trouble")
    url, made = database.url + "trouble", shop()
    migrate(url)
    with psycopg.connect(url) as conn:
        first = published(conn, made, bundle(made, size), folder / "bundle")
        key, text = make("benchmark", [Scope.SERVE, Scope.EVENTS], None)
        keys.add(conn, key, made_by="a benchmark")
        conn.commit()
        stored = releases.get(conn, first)
        conn.commit()
        version = Version(
            "2", Path(stored.bundle_uri), stored.bundle_sha256, {"data_md5": "0" * 32, "git_sha": "f" * 40}
        )
        planned = precompute.begin(conn, version, run_id="command.benchmark.2", cutoff=CUTOFF)
        precompute.fill(conn, planned.release_id, *planned.blocks)
        finish(conn, planned.release_id)
    return url, text, [planned.release_id, first]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--candidates", type=int, default=100)
    chosen = parser.parse_args()
    pin(0, OTHER_CORE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # Postgres, which is not us where we are root, has its folder inside
        database = Database.of(folder)
        try:
            url, key, both = prepared(database, folder, chosen.candidates)
            with serving("service", "serving.app:create_app", SERVER_CORE, folder, url, key) as server:
                noticed = asyncio.run(trouble(server, database, both, chosen.rounds))
            report(noticed, url)
        finally:
            postgres.stop(database.process)


def report(noticed: Noticed, url: str) -> None:
    """The line of JSON."""
    with psycopg.connect(url) as conn:
        stored = [
            row[0]
            for row in conn.execute("SELECT event_id FROM nextpick.events WHERE user_id IN ('user00000', 'user00001')")
        ]
    ours = [one for one in stored if one in noticed.acknowledged]
    within = sum(seconds <= LIMIT for seconds in noticed.reads)
    figures = {
        "reads": len(noticed.reads),
        "answered_within_300ms": round(within / len(noticed.reads), 5),
        "read_5xx": noticed.failed,
        "fresh_again_s": round(max(noticed.fresh_again), 2),
        "events_acknowledged": len(noticed.acknowledged),
        "events_lost": len(noticed.acknowledged - set(ours)),
        "events_doubled": len(ours) - len(set(ours)),
    }
    print(f"statuses of reads: {noticed.statuses}", file=sys.stderr)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
