"""Readers in processes of their own that ask for lists of the live release in a loop, and say when it changes."""

from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from time import perf_counter  # the machine's own clock: the same in every process

import numpy as np
import psycopg

from nextpick.store import arrays

PATIENCE_SECONDS = 120.0
QUERY = """
WITH now AS MATERIALIZED (SELECT (SELECT release_id FROM nextpick.live WHERE variant = 'default') AS release_id)
SELECT r.release_id, r.cutoff, l.item_rows, l.scores, l.generator_scores, l.generator_ranks, l.history_rows,
       l.history_counts, l.history_weights, l.history_first, l.history_last, i.title
FROM nextpick.releases AS r
LEFT JOIN nextpick.lists AS l ON l.release_id = (SELECT release_id FROM now) AND l.user_id = %s
LEFT JOIN nextpick.release_items AS i ON i.release_id = (SELECT release_id FROM now) AND i.item_row = l.item_rows[1]
WHERE r.release_id = (SELECT release_id FROM now)
"""


@dataclass(frozen=True)
class Seen:
    """How many answers there were, how many did not fit together, and the milliseconds that one took."""

    reads: int
    torn: int
    median_ms: float


class Reader:
    """One process; `first` and `end` speak with it."""

    def __init__(self, context: SpawnContext, url: str, users: int, seed: int) -> None:
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_read, args=(url, users, seed, theirs), daemon=True)
        self._process.start()

    def first(self, release_id: int, after: float) -> float:
        """Seconds from `after` (perf_counter) until the first answer out of that release. Raises: TimeoutError."""
        while self._pipe.poll(PATIENCE_SECONDS):
            found, at = self._pipe.recv()
            if found == release_id and at >= after:
                return float(at - after)
        raise TimeoutError(f"No answer out of release {release_id} in {PATIENCE_SECONDS:g} s.")

    def end(self) -> Seen:
        """Stop reading."""
        self._pipe.send(None)
        while not isinstance(said := self._pipe.recv(), Seen):
            pass
        self._process.join()
        return said


def _read(url: str, users: int, seed: int, pipe: Connection) -> None:
    rng, last, torn, took = np.random.default_rng(seed), None, 0, []
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as conn:
        arrays.register(conn)
        while not pipe.poll():
            user_id = f"user{rng.integers(1, users + 1):08}"
            start = perf_counter()
            try:
                row = conn.cursor(binary=True).execute(QUERY, (user_id,)).fetchone()
            except psycopg.Error:
                row, torn = None, torn + 1
            took.append(perf_counter() - start)
            if row is not None:
                torn += not fits(row)
                if row[0] != last:
                    last = row[0]
                    pipe.send((last, perf_counter()))
    pipe.send(Seen(len(took), torn, float(np.median(took)) * 1000))


def mark(cutoff: datetime) -> int:
    """What the scores of a release begin at, and its items' titles end with: they tell releases apart."""
    return 10 * cutoff.day


def fits(row: tuple[object, ...]) -> bool:
    """Whether a list, its arrays and its first item are all there and of one release."""
    _, cutoff, items, scores, by_generator, ranks, *history, title = row
    if items is None:
        return False
    n = len(items)  # type: ignore[arg-type]
    if len(scores) != n or len(by_generator) != len(ranks) or len({len(part) for part in history}) != 1:  # type: ignore[arg-type]
        return False
    if n == 0:
        return len(by_generator) == 0  # type: ignore[arg-type]
    begins = mark(cutoff)  # type: ignore[arg-type]
    own = begins <= scores.min() and scores.max() <= begins + 1  # type: ignore[attr-defined]
    return bool(own and len(by_generator) % n == 0 and str(title).endswith(f" {begins}"))  # type: ignore[arg-type]
