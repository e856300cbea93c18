"""One user's answer from a release: pure, so that the service, the CLI and the tests give the same one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from nextpick.features.histories import Histories, no_history, with_events
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.features.pair import Pool, pair_features
from nextpick.features.seen import allowed
from nextpick.idmap import IdMap
from nextpick.models.bundle import Bundle
from nextpick.params import GENERATORS
from nextpick.release.reasons import Fact, reason, verb

RERANKED, CANDIDATES, POPULAR, FILLED = "reranked", "candidates", "popular", "filled"
TASTE = frozenset(GENERATORS) - {"buy_again", "popular"}  # generators that learn from what other users did


@dataclass(frozen=True)
class Loaded:
    """What of a release is in memory to answer from.

    `popular` holds every item row, most popular first; `week_ranks` each item's place among those somebody took in
    the 7 days before the cutoff (int32, -1 for the others). `cutoff` is in microseconds since 1970 UTC. `charts` has
    the item rows (int32, best first) of each (chart, category), as release.charts says.
    """

    release_id: int
    model_version: str
    variant: str
    cutoff: int
    bundle: Bundle
    items: IdMap
    table: ItemTable
    popular: np.ndarray
    week_ranks: np.ndarray
    charts: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)

    @cached_property
    def category_names(self) -> frozenset[str]:
        """All categories of its items."""
        return frozenset(name for names in self.table.categories for name in names)

    @property
    def seen_policy(self) -> str:
        return self.bundle.params.scenarios["default"].seen_policy

    @property
    def kinds(self) -> dict[str, float]:
        """The kinds of event that count, and their weights."""
        return dict(self.bundle.params.data.kinds)


@dataclass(frozen=True)
class ListRow:
    """A user's row of `lists`: items best first, and the history as of the release's cutoff."""

    item_rows: np.ndarray
    scores: np.ndarray
    generator_scores: np.ndarray
    generator_ranks: np.ndarray
    history: Histories


@dataclass(frozen=True)
class Since:
    """The user's events since the release's cutoff, oldest first; items the release does not know are left out."""

    item_rows: np.ndarray
    weights: np.ndarray
    occurred_at: np.ndarray

    @classmethod
    def nothing(cls) -> "Since":
        return cls(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int64))


@dataclass(frozen=True)
class Answer:
    """k items, best first. `scores` (float32) and `features` (float32, (k, F)) are NaN where no ranker ran."""

    item_rows: np.ndarray
    scores: np.ndarray
    sources: tuple[str, ...]
    reasons: tuple[str, ...]
    features: np.ndarray
    as_of: int


def answer(
    loaded: Loaded, row: ListRow | None, since: Since, k: int, hidden: np.ndarray, *, rerank: bool = True
) -> Answer:
    """The best k items for a user: the list re-scored against what the user did since, then popular ones.

    `row` is None for a user the release does not know. `hidden` is a bool mask over the items: True is never shown.
    With `rerank` False the list's own order stands (source `candidates`). Shorter than k only where fewer items may
    be shown; where the seen policy leaves none at all, it yields: an answer is empty only if everything is hidden.
    """
    as_of = max(loaded.cutoff, int(since.occurred_at.max()) + 1) if len(since.occurred_at) else loaded.cutoff
    history = _history(loaded, row, since, as_of)
    rows, scores, features = _ranked(loaded, row, history, hidden, rerank)
    rows, scores, features = rows[:k], scores[:k], features[:k]
    fill = _fill(loaded, history, hidden, rows, k - len(rows))
    ranked = RERANKED if rerank else CANDIDATES
    sources = (ranked,) * len(rows) + (POPULAR if row is None else FILLED,) * len(fill)
    blank = np.full((len(fill), features.shape[1]), np.nan, np.float32)
    all_rows = np.concatenate([rows, fill]).astype(np.int32)
    return Answer(
        item_rows=all_rows,
        scores=np.concatenate([scores, np.full(len(fill), np.nan)]).astype(np.float32),
        sources=sources,
        reasons=_reasons(loaded, row, history, all_rows, as_of),
        features=np.concatenate([features, blank]),
        as_of=as_of,
    )


def _history(loaded: Loaded, row: ListRow | None, since: Since, as_of: int) -> Histories:
    history = row.history if row is not None else no_history(len(loaded.items), loaded.cutoff)
    if not len(since.item_rows):
        return history
    return with_events(history, since.item_rows, since.weights, since.occurred_at, as_of)


def _ranked(
    loaded: Loaded, row: ListRow | None, history: Histories, hidden: np.ndarray, rerank: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The user's list without what may not be shown, in its new order: rows, scores, features."""
    width = len(loaded.bundle.features)
    if row is None or not len(row.item_rows):
        return np.empty(0, np.int32), np.empty(0), np.empty((0, width), np.float32)
    kept = ~hidden[row.item_rows] & allowed(row.item_rows, history.item_rows, loaded.seen_policy)
    rows = row.item_rows[kept]
    if not rerank or not len(rows):
        return rows, row.scores[kept], np.full((len(rows), width), np.nan, np.float32)
    pool = Pool(
        user_rows=np.zeros(len(rows), np.int32),
        item_rows=rows,
        scores=row.generator_scores[kept],
        ranks=row.generator_ranks[kept],
        generators=tuple(loaded.bundle.generators),
        vectors=loaded.bundle.vectors,
    )
    features = pair_features(pool, history, loaded.table, history.as_of, loaded.bundle.features)
    scores = loaded.bundle.ranker.predict(features)
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order], features[order]


def _fill(loaded: Loaded, history: Histories, hidden: np.ndarray, taken: np.ndarray, missing: int) -> np.ndarray:
    """Up to `missing` popular items not taken yet, the seen policy kept unless the answer would be empty."""
    unseen = _most_popular(loaded, hidden, taken, history.item_rows, missing)
    if len(unseen) or len(taken):
        return unseen
    return _most_popular(loaded, hidden, taken, no_history(len(loaded.items), 0).item_rows, missing)


def _most_popular(loaded: Loaded, hidden: np.ndarray, taken: np.ndarray, seen: np.ndarray, n: int) -> np.ndarray:
    """The `n` most popular rows that may be shown, read from the top: the catalogue's size does not matter."""
    found, start = np.empty(0, np.int32), 0
    width = n + len(taken) + len(seen) + 16
    while len(found) < n and start < len(loaded.popular):
        window = loaded.popular[start : start + width]
        kept = ~hidden[window] & ~np.isin(window, taken) & allowed(window, seen, loaded.seen_policy)
        found, start, width = np.concatenate([found, window[kept]]), start + width, width * 2
    return found[: max(n, 0)]


def _reasons(loaded: Loaded, row: ListRow | None, history: Histories, rows: np.ndarray, as_of: int) -> tuple[str, ...]:
    done = verb(tuple(loaded.kinds))
    own = {item: i for i, item in enumerate(history.item_rows.tolist())}
    taste = _by_taste(loaded, row)
    month = loaded.table.features[:, ITEM_FEATURES.index("popularity_28d")]
    facts = []
    for item in rows.tolist():
        at = own.get(item)
        rank = int(loaded.week_ranks[item])
        facts.append(
            Fact(
                count=0 if at is None else int(history.counts[at]),
                last_at=0 if at is None else int(history.last_at[at]),
                by_taste=item in taste,
                week_rank=rank if rank >= 0 else None,
                recent=bool(month[item] > 0),
            )
        )
    return tuple(reason(fact, done, loaded.cutoff, as_of) for fact in facts)


def _by_taste(loaded: Loaded, row: ListRow | None) -> set[int]:
    """Items of the list that a generator that learns from others proposed."""
    if row is None:
        return set()
    sizes = np.array([loaded.bundle.params.pool[n] if n in TASTE else 0 for n in loaded.bundle.generators])
    proposed = ((row.generator_ranks >= 0) & (row.generator_ranks < sizes)).any(axis=1)
    return set(row.item_rows[proposed].tolist())
