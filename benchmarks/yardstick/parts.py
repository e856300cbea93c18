"""Where the microseconds of a recommendation go: its parts, each by itself in this process, on the data of a server."""

import asyncio
import statistics
from collections.abc import Callable, Mapping
from time import process_time
from uuid import uuid4

import numpy as np
import psycopg

from nextpick.features.pair import Pool, pair_features
from nextpick.models import trees
from nextpick.release import lookup
from nextpick.release.answer import Answer, answer, reasons
from nextpick.release.loaded import ListRow, Loaded, Since
from nextpick.release.wanted import Wanted
from nextpick.store import arrays, releases
from nextpick.store.impressions import Impression, encode
from serving import answers
from serving.database import Database

ASKED = 50  # users
LOOPS, REPEATS = 20, 7
K = 10


def parts(url: str) -> dict[str, float]:
    """CPU microseconds of each part of one answer, medians of REPEATS; Postgres's own are not among them."""
    trees.compiled()
    with psycopg.connect(url, autocommit=True) as conn:
        arrays.register(conn)
        row = conn.execute("SELECT max(release_id) FROM nextpick.releases").fetchone()
        assert row
        loaded = lookup.load(conn, releases.get(conn, row[0]))
    loaded.bundle.ranker.get_ready()
    reads, raw = asyncio.run(_reads(url, loaded))
    pairs = [lookup.parse(loaded, one) for one in raw]
    wanted, hidden = Wanted.plain(loaded, K), np.zeros(len(loaded.items), bool)
    found = [answer(loaded, *pair, wanted, hidden) for pair in pairs]
    features = [_features(loaded, row, since) for row, since in pairs if row is not None]
    kept = [_kept(loaded, one) for one in found]
    whole = _timed(lambda: [answer(loaded, *pair, wanted, hidden) for pair in pairs])
    of_features = _timed(lambda: [_features(loaded, row, since) for row, since in pairs if row is not None])
    predict = _timed(lambda: [loaded.bundle.ranker.predict(rows) for rows in features])
    return {
        "row of Postgres": reads,
        "its arrays": _timed(lambda: [lookup.parse(loaded, one) for one in raw]),
        "features": of_features,
        "trees": predict,
        "rest of the answer": whole - of_features - predict,
        "reasons": _timed(lambda: [reasons(loaded, one) for one in found]),
        "impression": _timed(lambda: [_kept(loaded, one) for one in found]) + _timed(lambda: encode(kept)),
    }


def _kept(loaded: Loaded, found: Answer) -> Impression:
    how = answers.Kept(narrowed=False, features=True)
    return answers.impression(uuid4(), "user00000", "default", loaded, found, how)


def table(of: Mapping[str, float], total: float, constant: float) -> str:
    """The parts, the constant app, and what is left of a request's `total`, a line each."""
    known = {"HTTP, as the constant app": constant, **of}
    known["FastAPI, keys, JSON, metrics, and what HTTP adds"] = total - sum(known.values())
    lines = [f"{micros:8.0f}  {micros / total:5.0%}  {name}" for name, micros in known.items()]
    return "\n".join(["      us  of all  of one answer with 100 candidates", *lines, f"{total:8.0f}         in all"])


def _timed(work: Callable[[], object]) -> float:
    """CPU microseconds for each of the ASKED."""
    work()
    seconds = []
    for _ in range(REPEATS):
        start = process_time()
        for _ in range(LOOPS):
            work()
        seconds.append((process_time() - start) / LOOPS / ASKED)
    return statistics.median(seconds) * 1e6


async def _reads(url: str, loaded: Loaded) -> tuple[float, list[tuple[object, ...]]]:
    """CPU of this process for a read, and what was read."""
    database = Database(url)
    await database.open()
    found, seconds = [], []
    for turn in range(REPEATS + 1):
        start = process_time()
        for n in range(ASKED * 4):
            row = await database.fetch_one(lookup.READ, lookup.parameters(loaded, f"user{n % ASKED:05}"), 5.0)
            assert row is not None
            if turn == 0 and n < ASKED:
                found.append(row)
        seconds.append((process_time() - start) / ASKED / 4)
    await database.close()
    return statistics.median(seconds[1:]) * 1e6, found


def _features(loaded: Loaded, row: ListRow, since: Since) -> np.ndarray:
    pool = Pool(
        user_rows=np.zeros(len(row.item_rows), np.int32),
        item_rows=row.item_rows,
        scores=row.generator_scores,
        ranks=row.generator_ranks,
        generators=tuple(loaded.bundle.generators),
        vectors=loaded.bundle.vectors,
    )
    return pair_features(pool, row.history, loaded.table, loaded.cutoff, loaded.bundle.features)
