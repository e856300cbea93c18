"""Put items that somebody else chose into a user's order."""

import numpy as np

from nextpick.features.histories import Histories
from nextpick.features.pair import Pool
from nextpick.models.pool import build_pool, scores_of
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
    """Ranks are those among the user's own candidates, as the ranker learnt them, and not among what was sent."""
    bundle = loaded.bundle
    own = build_pool(bundle.generators, bundle.sizes, np.zeros(1, np.int32), history, loaded.seen_policy)
    scores = scores_of(bundle.generators, rows, history)
    ranks = np.stack([_ranks(own, rows, scores, column) for column in range(len(own.generators))], axis=1)
    sent = Pool(np.zeros(len(rows), np.int32), rows, scores, ranks, own.generators, own.vectors)
    return ranked(loaded, sent, history, RERANKED)


def _ranks(own: Pool, rows: np.ndarray, scores: np.ndarray, column: int) -> np.ndarray:
    """How many of the user's candidates stand before each item that was sent, int16; -1 where it has no score."""
    ours, theirs = scores[:, column, None], own.scores[None, :, column]
    before = (theirs > ours) | ((theirs == ours) & (own.item_rows < rows[:, None]))
    return np.where(np.isnan(ours[:, 0]), -1, before.sum(axis=1)).astype(np.int16)


def _by_popularity(loaded: Loaded, rows: np.ndarray) -> Slots:
    rows = rows[np.argsort(loaded.places[rows])]
    return Slots.bare(rows, CANDIDATES, len(loaded.bundle.features), len(loaded.bundle.generators))
