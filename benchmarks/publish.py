"""How near is the writing of a release to the limit of Postgres, and what do readers see of a flip?

of_copy       seconds of a server-side COPY FROM file (FORMAT binary) of the very bytes, over seconds of `publish.fill`,
              which makes these bytes of arrays and sends them: into fresh tables of a durable server, in turn, medians
bytes_per_user  of the lists and the items with their indexes
flip_ms       from sending the flip to the first answer out of the new release, as readers in a loop have it: median
rollback_ms   likewise of `nextpick rollback`, with the checks it makes before it goes back
reads, torn_reads  of these readers, while a generation is written, and at flips and rollbacks; torn is an error, a list
              that is not there, or one whose arrays, items and release do not fit together

    python benchmarks/publish.py --users 50000 --k 100
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import psycopg
from psycopg import sql

from benchmarks.harness import cpu_seconds
from benchmarks.yardstick.readers import Reader, Seen, mark
from nextpick.features.histories import Histories
from nextpick.local import ports, postgres
from nextpick.models import manifest
from nextpick.release import publish
from nextpick.release.list_block import ListBlock
from nextpick.release.publish import Draft
from nextpick.settings import Settings
from nextpick.stages import rollback
from nextpick.store import blocks, list_rows, lists, release_log, releases, standings
from nextpick.store.building import Building
from nextpick.store.list_rows import field
from nextpick.store.migrate import migrate

GENERATORS, ITEMS, HISTORY = 5, 20_000, 30  # as the sample's bundle has them, a larger catalogue, items a user has
PER_BLOCK, PER_PART = 20_000, 512
READERS, FLIPS = 2, 20
CUTOFF = datetime(2025, 11, 12, tzinfo=UTC)
SPARE = 0  # the release id of the tables that the server fills by itself


@dataclass(frozen=True)
class Work:
    """A server to write to, and the lists to write: parts by the first user of their block."""

    url: str
    parts: dict[str, list[ListBlock]]
    bundle: tuple[str, str]
    folder: Path


def part(user_ids: tuple[str, ...], k: int, rng: np.random.Generator) -> ListBlock:
    """Random lists; one user in fifty has a shorter one."""
    users = len(user_ids)
    sizes = np.where(rng.random(users) < 0.02, rng.integers(0, k, users), k)
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    had = np.concatenate([[0], np.cumsum(rng.poisson(HISTORY, users))]).astype(np.int64)
    n, m = int(starts[-1]), int(had[-1])
    first = rng.integers(16 * 10**14, 17 * 10**14, m)
    histories = Histories(
        as_of=18 * 10**14,
        n_items=ITEMS,
        indptr=had,
        item_rows=rng.integers(0, ITEMS, m).astype(np.int32),
        counts=rng.integers(1, 9, m).astype(np.int32),
        weights=rng.random(m).astype(np.float32),
        first_at=first,
        last_at=first + rng.integers(0, 10**14, m),
    )
    return ListBlock(
        user_ids=user_ids,
        starts=starts,
        item_rows=rng.integers(0, ITEMS, n).astype(np.int32),
        scores=rng.random(n).astype(np.float32),
        generator_scores=rng.random((n, GENERATORS)).astype(np.float32),
        generator_ranks=rng.integers(-1, 400, (n, GENERATORS)).astype(np.int16),
        histories=histories,
    )


def seed(conn: psycopg.Connection, users: int) -> None:
    """One event a user, so that there is somebody to plan for, and items to name."""
    conn.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at) "
        "SELECT 'e' || n, 'user' || lpad(n::text, 8, '0'), 'i0', 'purchase', %s FROM generate_series(1, %s) AS n",
        (CUTOFF - timedelta(hours=1), users),
    )
    conn.execute("ANALYZE nextpick.events")


def draft(bundle: tuple[str, str], night: int) -> Draft:
    cutoff = CUTOFF + timedelta(days=night)
    empty = np.zeros(ITEMS + 1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32)
    return Draft(
        run_id="command.benchmark",
        model_version="1",
        bundle_uri=bundle[0],
        bundle_sha256=bundle[1],
        cutoff=cutoff,
        known=datetime.now(UTC) + timedelta(minutes=1),
        lineage={},
        kinds=("purchase",),
        users_per_block=PER_BLOCK,
        items=[(row, f"i{row}", f"Item {row} {mark(cutoff)}", [], None, [0.0] * 12) for row in range(ITEMS)],
        hidden_rows=[],
        similar=empty,
        charts=[],
    )


def begun(conn: psycopg.Connection, work: Work, night: int = 0) -> int:
    """A release in the making; any other is given up."""
    with publish.turn(conn, "command.benchmark") as found:
        for other in found:
            publish.give_up(conn, other.release_id)
        return publish.begin(conn, draft(work.bundle, night))


def fill(conn: psycopg.Connection, work: Work, release_id: int) -> None:
    def make(release: Building, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
        begins = np.float32(mark(release.cutoff))
        return (replace(some, scores=some.scores + begins) for some in work.parts[user_ids[0]])

    for block in blocks.to_do(conn, release_id):
        publish.fill(conn, release_id, block, make)


def ours(conn: psycopg.Connection, work: Work) -> tuple[float, float]:
    """Seconds, and CPU seconds of this process, to write all blocks."""
    release_id = begun(conn, work)
    start, cpu = perf_counter(), cpu_seconds()
    fill(conn, work, release_id)
    return perf_counter() - start, cpu_seconds() - cpu


def server(conn: psycopg.Connection, files: list[Path]) -> float:
    """Seconds for the server to read all files by itself."""
    with conn.transaction():
        lists.drop_tables(conn, SPARE)
        lists.create(conn, SPARE)
    start = perf_counter()
    for file in files:
        with conn.transaction():
            statement = sql.SQL("COPY nextpick.lists_0 FROM {} (FORMAT binary)").format(sql.Literal(str(file)))
            conn.execute(statement)
    return perf_counter() - start


def dump(work: Work) -> list[Path]:
    """The bytes of each block as `publish.fill` sends them, for tables of SPARE, where the server may read them."""
    first, files = field(SPARE.to_bytes(8, "big")), []
    for number, parts in enumerate(work.parts.values()):
        files.append(work.folder / f"block{number}.bin")
        with files[-1].open("wb") as out:
            out.write(list_rows.START)
            for some in parts:
                keys = (field(user_id.encode()) for user_id in some.user_ids)
                out.writelines(list_rows.pieces(first, keys, publish.columns(some)))
            out.write(list_rows.END)
        files[-1].chmod(0o644)
    return files


def measure_copy(conn: psycopg.Connection, work: Work, repeats: int) -> dict[str, object]:
    files = dump(work)
    fill(conn, work, begun(conn, work))  # untimed: caches, and files that the server has grown before
    server(conn, files)
    mine, theirs, cpus = [], [], []
    for _ in range(repeats):
        seconds, cpu = ours(conn, work)
        mine.append(seconds)
        cpus.append(cpu)
        theirs.append(server(conn, files))
        print(f"fill {seconds:.2f} s ({cpu:.2f} of our CPU)   COPY FROM file {theirs[-1]:.2f} s", file=sys.stderr)
    size = sum(file.stat().st_size for file in files)
    return {
        "of_copy": round(statistics.median(theirs) / statistics.median(mine), 3),
        "of_copy_best": round(min(theirs) / min(mine), 3),
        "fill_s": round(statistics.median(mine), 2),
        "client_cpu_s": round(statistics.median(cpus), 2),
        "copy_mb": round(size / 1e6),
    }


def switched(switch: Callable[[], object], to: int, readers: list[Reader]) -> float:
    """Milliseconds from the call until the first reader had an answer out of `to`."""
    start = perf_counter()
    switch()
    return min(reader.first(to, after=start) for reader in readers) * 1000


def flip(conn: psycopg.Connection, release_id: int) -> None:
    """As a publish does it, whatever was said of the release before."""
    with conn.transaction():
        standings.accept(conn, release_id)
        releases.flip(conn, release_id)
        release_log.add(conn, "publish", who="a benchmark", before=None, after=release_id, reason="")


def go_back(conn: psycopg.Connection, settings: Settings, release_id: int) -> None:
    rollback.run(conn, settings, release_id, who="a benchmark", because="to see how long it takes")


def measure_flips(conn: psycopg.Connection, work: Work, users: int) -> dict[str, object]:
    """Readers in loops; meanwhile a generation is written, and flips and rollbacks go between two of them."""
    settings = Settings(_env_file=None, home=work.folder / "home")
    old = begun(conn, work)
    fill(conn, work, old)
    publish.finish(conn, old)
    flip(conn, old)
    context = get_context("spawn")
    readers = [Reader(context, work.url, users, seed) for seed in range(READERS)]
    flips, backs = [], []
    try:
        for reader in readers:
            reader.first(old, after=0.0)
        new = begun(conn, work, night=1)
        fill(conn, work, new)
        publish.finish(conn, new)
        for _ in range(FLIPS):
            flips.append(switched(lambda: flip(conn, new), new, readers))
            backs.append(switched(lambda: go_back(conn, settings, old), old, readers))
    finally:
        seen: list[Seen] = [reader.end() for reader in readers]
    size = lists.size(conn, new)
    return {
        "bytes_per_user": round(size / users),
        "flip_ms": round(statistics.median(flips), 2),
        "rollback_ms": round(statistics.median(backs), 2),
        "reads": sum(reader.reads for reader in seen),
        "torn_reads": sum(reader.torn for reader in seen),
        "read_ms": round(statistics.median(reader.median_ms for reader in seen), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=50_000)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    if asked.repeats < 5:
        parser.error("at least 5 repeats: fewer say too little about noise")
    with tempfile.TemporaryDirectory(prefix="nextpick-publish-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server, which is not us where we are root, reads files here
        cluster, port = postgres.Cluster(folder / "postgres"), ports.free()
        postgres.create(cluster, "benchmark")
        process = postgres.start(cluster, port, folder / "postgres.log", tied=True)
        try:
            print(json.dumps(measured(folder, f"postgresql://postgres:benchmark@127.0.0.1:{port}/postgres", asked)))
        finally:
            postgres.stop(process)


def measured(folder: Path, url: str, asked: argparse.Namespace) -> dict[str, object]:
    migrate(url)
    bundle = folder / "bundle"
    sha256 = manifest.write({"ranker.txt": b"none: no list is computed here"}, bundle)
    with psycopg.connect(url, autocommit=True) as conn:
        seed(conn, asked.users)
        first = begun(conn, Work(url, {}, (str(bundle), sha256), folder))
        rows = conn.execute(
            "SELECT user_ids FROM nextpick.release_blocks WHERE release_id = %s ORDER BY block", (first,)
        ).fetchall()
        rng = np.random.default_rng(7)
        parts = {
            row[0][0]: [part(tuple(row[0][at : at + PER_PART]), asked.k, rng) for at in range(0, len(row[0]), PER_PART)]
            for row in rows
        }
        work = Work(url, parts, (str(bundle), sha256), folder)
        figures = measure_copy(conn, work, asked.repeats)
        figures |= measure_flips(conn, work, asked.users)
    return {**figures, "users": asked.users, "k": asked.k, "repeats": asked.repeats, "cpus": os.cpu_count()}


if __name__ == "__main__":
    main()
