"""One user's answer from a release: pure, so that the service, the CLI and the tests give the same one."""

from dataclasses import dataclass, replace

import numpy as np

from nextpick.features.histories import Histories, no_history, with_events
from nextpick.features.items import ITEM_FEATURES
from nextpick.features.pair import Pool, pair_features
from nextpick.models.pool import build_pool
from nextpick.release.diverse import diverse
from nextpick.release.explore import explore
from nextpick.release.loaded import ListRow, Loaded, Since
from nextpick.release.reasons import Fact, reason, verb
from nextpick.release.slots import CANDIDATES, FILLED, FOLD_IN, POPULAR, RERANKED, Slots, joined
from nextpick.release.wanted import Showable, Wanted

_MONTH = ITEM_FEATURES.index("popularity_28d")


@dataclass(frozen=True)
class Answer:
    """Items, best first, with the history they were chosen for and its moment.

    `propensities` (float64) says how likely each was in its place: 1 unless lots were drawn.
    """

    slots: Slots
    propensities: np.ndarray
    history: Histories
    as_of: int

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def explored(self) -> bool:
        """Whether lots were drawn."""
        return bool((self.propensities < 1).any())


def answer(
    loaded: Loaded, row: ListRow | None, since: Since, wanted: Wanted, hidden: np.ndarray, *, rerank: bool = True
) -> Answer:
    """The best items for a user: the list re-scored against what the user did since; then, where it leaves places
    empty, the best of all that is wanted by the user's history, scored now; then what is popular of it.

    `row` is None for a user the release does not know. `hidden` is a bool mask over the items: True is never shown.
    With `rerank` False the list's own order stands (source `candidates`) and nothing is scored. Shorter than wanted.k
    only where fewer items may be shown; where the seen policy leaves none at all of the whole catalogue, it yields.
    """
    history, as_of = history_of(loaded, row, since)
    showable = Showable(loaded, wanted, hidden, history.item_rows)
    found = _listed(loaded, row, history, showable, rerank)
    if len(found) < wanted.k and rerank and len(history.item_rows):
        found = joined([found, _folded_in(loaded, history, showable, found.item_rows)])
    if wanted.diversity:
        found = found.at(diverse(loaded, found.item_rows, wanted.k, wanted.diversity))
    propensities = np.ones(min(wanted.k, len(found)))
    if wanted.exploration and rerank and not wanted.narrowed:
        shown, propensities = explore(len(found), wanted.k, wanted.exploration, wanted.seed)
        found = found.at(shown)
    found = found.first(wanted.k)
    if missing := wanted.k - len(found):
        found = joined([found, _popular(showable, found.item_rows, missing, POPULAR if row is None else FILLED)])
        propensities = np.concatenate([propensities, np.ones(len(found) - len(propensities))])
    return Answer(found, propensities, history, as_of)


def history_of(loaded: Loaded, row: ListRow | None, since: Since) -> tuple[Histories, int]:
    """All that a user is known to have done, and the moment (microseconds) just after."""
    history = row.history if row is not None else no_history(len(loaded.items), loaded.cutoff)
    if not len(since.occurred_at):
        return history, loaded.cutoff
    as_of = max(loaded.cutoff, int(since.occurred_at.max()) + 1)
    return with_events(history, since.item_rows, since.weights, since.occurred_at, as_of), as_of


def light(loaded: Loaded, row: ListRow | None, since: Since, wanted: Wanted, hidden: np.ndarray) -> bool:
    """Whether the user's list surely holds enough, so that nothing else need be scored."""
    if wanted.narrowed or wanted.diversity or wanted.policy != loaded.seen_policy:
        return False
    if row is None:
        return not len(since.item_rows)
    gone = int(hidden[row.item_rows].sum()) + (0 if wanted.policy == "allow" else len(since.item_rows))
    return len(row.item_rows) - gone >= wanted.k


def _listed(loaded: Loaded, row: ListRow | None, history: Histories, showable: Showable, rerank: bool) -> Slots:
    """The user's list without what may not be shown, in its new order.

    A list made without what the user has seen is of no use where that may be shown, unless nothing can be scored.
    """
    lacks_own = rerank and loaded.seen_policy == "exclude" and showable.wanted.policy == "allow"
    if row is None or not len(row.item_rows) or lacks_own:
        return _bare(loaded, np.empty(0, np.int32), RERANKED)
    kept = showable.of(row.item_rows)
    rows = row.item_rows[kept]
    if not rerank or not len(rows):
        return replace(_bare(loaded, rows, CANDIDATES), scores=row.scores[kept])
    pool = Pool(
        user_rows=np.zeros(len(rows), np.int32),
        item_rows=rows,
        scores=row.generator_scores[kept],
        ranks=row.generator_ranks[kept],
        generators=tuple(loaded.bundle.generators),
        vectors=loaded.bundle.vectors,
    )
    return ranked(loaded, pool, history, RERANKED, showable.wanted.most)


def _folded_in(loaded: Loaded, history: Histories, showable: Showable, taken: np.ndarray) -> Slots:
    """What the generators propose to this history now, of all that may be shown and is not taken."""
    bundle = loaded.bundle
    pool = build_pool(
        bundle.generators,
        bundle.sizes,
        np.zeros(1, np.int32),
        history,
        showable.wanted.policy,
        showable.barred(taken),
    )
    return ranked(loaded, pool, history, FOLD_IN, showable.wanted.most)


def ranked(loaded: Loaded, pool: Pool, history: Histories, source: str, most: int | None = None) -> Slots:
    """The candidates of one user by the ranker's score, best first, `most` of them; ties go to the lower item row."""
    features = pair_features(pool, history, loaded.table, history.as_of, loaded.bundle.features)
    scores = loaded.bundle.ranker.predict(features)
    order = np.lexsort((pool.item_rows, -scores))[:most]
    return Slots(
        pool.item_rows[order],
        scores[order].astype(np.float32),
        features[order],
        pool.ranks[order],
        (source,) * len(order),
    )


def _popular(showable: Showable, taken: np.ndarray, missing: int, source: str) -> Slots:
    """Popular items not taken yet, the seen policy kept unless the answer would be empty."""
    rows = showable.most_popular(taken, missing)
    if not len(rows) and not len(taken) and not showable.wanted.narrowed:
        rows = replace(showable, seen=np.empty(0, np.int32)).most_popular(taken, missing)
    return _bare(showable.loaded, rows, source)


def _bare(loaded: Loaded, rows: np.ndarray, source: str) -> Slots:
    return Slots.bare(rows, source, len(loaded.bundle.features), len(loaded.bundle.generators))


def by_taste(loaded: Loaded, found: Answer) -> np.ndarray:
    """Of each item whether a generator that learns from other users proposed it: bool (n,)."""
    ranks = found.slots.ranks
    return np.asarray(np.any((ranks >= 0) & (ranks < loaded.taste_sizes), axis=1))


def reasons(loaded: Loaded, found: Answer) -> tuple[str, ...]:
    """Why each item is in the answer, in one sentence."""
    rows, history = found.slots.item_rows, found.history
    done = verb(tuple(loaded.kinds))
    mine = history.item_rows
    places = zip(np.searchsorted(mine, rows).tolist(), rows.tolist(), strict=True)
    own = [at if at < len(mine) and mine[at] == row else -1 for at, row in places]
    taste: list[bool] = by_taste(loaded, found).tolist()
    recent = (loaded.table.features[rows, _MONTH] > 0).tolist()
    return tuple(
        reason(
            Fact(
                times=0 if at < 0 else int(history.counts[at]),
                last_at=0 if at < 0 else int(history.last_at[at]),
                by_taste=taste[i],
                week_rank=rank if rank >= 0 else None,
                recent=recent[i],
            ),
            done,
            loaded.cutoff,
            found.as_of,
        )
        for i, (at, rank) in enumerate(zip(own, loaded.week_ranks[rows].tolist(), strict=True))
    )
