"""Put items that somebody else chose into a user's order."""

import numpy as np

from nextpick.features.histories import Histories
from nextpick.models.pool import pool_of
from nextpick.release.answer import Answer, history_of, ranked
from nextpick.release.loaded import ListRow, Loaded, Since
from nextpick.release.slots import CANDIDATES, RERANKED, Slots


def order(loaded: Loaded, row: ListRow | None, since: Since, item_rows: np.ndarray, *, rerank: bool = True) -> Answer:
    """All of `item_rows` (int32, each once), best first for a user: by the ranker, on what every generator says of
    these items and this history now. With `rerank` False by popularity, source `candidates`.

    What was seen, or is hidden, is the caller's to know: nothing is left out.
    """
    history, as_of = history_of(loaded, row, since)
    rows = np.sort(item_rows)
    slots = _scored(loaded, history, rows) if rerank and len(rows) else _by_popularity(loaded, rows)
    return Answer(slots, np.ones(len(rows)), history, as_of)


def _scored(loaded: Loaded, history: Histories, rows: np.ndarray) -> Slots:
    return ranked(loaded, pool_of(loaded.bundle.generators, rows, history), history, RERANKED)


def _by_popularity(loaded: Loaded, rows: np.ndarray) -> Slots:
    rows = rows[np.argsort(loaded.places[rows])]
    return Slots.bare(rows, CANDIDATES, len(loaded.bundle.features), len(loaded.bundle.generators))
