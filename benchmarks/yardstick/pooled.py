"""The pool of several generators: each user's candidates, with every member's score and rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.yardstick.ranking import in_blocks
from benchmarks.yardstick.split import Split
from nextpick.features.histories import of_users
from nextpick.models.generator import Scoring
from nextpick.models.pool import scored_by
from nextpick.models.topn import Barred

if TYPE_CHECKING:
    from nextpick.models.scored import Scored

PER_MEMBER = 100  # of each member's best are candidates


@dataclass(frozen=True)
class Pooled:
    """Group g, the user users[g] of one split, has the rows indptr[g]:indptr[g + 1], by ascending item: their

    items (int32), scores (float32, (n, members), 0 for no opinion), labels (bool: the test has it), features
    (float32, (n, 3)): the item's share of all entries and that of its newest
    fifth, and the entries of the user, as multiples of the mean. The test has relevant[g] items of the user in all.
    """

    users: np.ndarray
    indptr: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    relevant: np.ndarray
    features: np.ndarray

    @property
    def groups(self) -> np.ndarray:
        """The group of each row."""
        return np.repeat(np.arange(len(self.relevant)), np.diff(self.indptr))

    def rows(self, kept: np.ndarray) -> "Pooled":
        """Only the rows that `kept` (bool) marks; no group is lost."""
        sizes = np.bincount(self.groups[kept], minlength=len(self.relevant))
        return Pooled(
            self.users,
            np.concatenate([[0], np.cumsum(sizes)]),
            self.items[kept],
            self.scores[kept],
            self.labels[kept],
            self.relevant,
            self.features[kept],
        )

    def of_groups(self, kept: np.ndarray) -> "Pooled":
        """Only the groups that `kept` (bool) marks, with all their rows."""
        rows = kept[self.groups]
        sizes = np.diff(self.indptr)[kept]
        return Pooled(
            self.users[kept],
            np.concatenate([[0], np.cumsum(sizes)]),
            self.items[rows],
            self.scores[rows],
            self.labels[rows],
            self.relevant[kept],
            self.features[rows],
        )


def pool(members: Mapping[str, Scoring], split: Split, users: np.ndarray) -> Pooled:
    """The union of the members' best for each user; all of test and negatives, where there are negatives."""
    candidates = _best_of_each if split.negatives is None else _all_that_are_given

    def block(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        scored = [scored_by(member, split.train, rows) for member in members.values()]
        at, items = candidates(scored, split, rows)
        return (
            np.bincount(at, minlength=len(rows)),
            items.astype(np.int32),
            np.nan_to_num(np.stack([one.of(at, items) for one in scored], axis=1)),
            _marked(split.test, rows, at, items),
        )

    sizes, items, scores, labels = (np.concatenate(parts) for parts in zip(*in_blocks(block, users), strict=True))
    owners = np.repeat(users, sizes)
    return Pooled(
        users=users,
        indptr=np.concatenate([[0], np.cumsum(sizes)]),
        items=items,
        scores=scores,
        labels=labels,
        relevant=np.diff(split.test.indptr)[users].astype(np.int64),
        features=_features(split, owners, items),
    )


def _best_of_each(scored: "Sequence[Scored]", split: Split, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places in `rows` and items, ascending, of what any member has among its best, items of train left out."""
    own = of_users(split.train, rows)
    off = Barred.of(own, np.ones(len(own.item_rows), bool))
    pairs = [users * own.n_items + items for users, items in (one.best(PER_MEMBER, off) for one in scored)]
    return np.divmod(np.unique(np.concatenate(pairs)), own.n_items)


def _all_that_are_given(_: "Sequence[Scored]", split: Split, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Likewise, of test and negatives."""
    assert split.negatives is not None
    given = (split.test[rows] + split.negatives[rows]).toarray().astype(bool)
    own = of_users(split.train, rows)
    given[own.user_rows, own.item_rows] = False
    at, items = np.nonzero(given)
    return at, items


def joined(pools: Sequence[Pooled]) -> Pooled:
    """The groups of all, one after the other."""
    sizes = np.concatenate([np.diff(one.indptr) for one in pools])
    rest = {
        name: np.concatenate([getattr(one, name) for one in pools])
        for name in ("users", "items", "scores", "labels", "relevant", "features")
    }
    return Pooled(indptr=np.concatenate([[0], np.cumsum(sizes)]), **rest)


def places(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The place (from 0) of each row in its group, the highest value first, equal ones by row; int64."""
    order = np.lexsort((-values, groups))
    out = np.empty(len(order), np.int64)
    out[order] = np.arange(len(order)) - np.searchsorted(groups, groups)
    return out


def _marked(test: csr_matrix, rows: np.ndarray, at: np.ndarray, items: np.ndarray) -> np.ndarray:
    sought = test[rows]
    owners = np.repeat(np.arange(len(rows), dtype=np.int64), np.diff(sought.indptr))
    return np.isin(at * test.shape[1] + items, owners * test.shape[1] + sought.indices)


def _features(split: Split, owners: np.ndarray, items: np.ndarray) -> np.ndarray:
    known = split.train
    late = known.last_at >= np.quantile(known.last_at, 0.8) if len(known.last_at) else np.empty(0, bool)
    counts = [
        np.bincount(known.item_rows, minlength=known.n_items)[items],
        np.bincount(known.item_rows[late], minlength=known.n_items)[items],
        np.diff(known.indptr)[owners],
    ]
    return np.stack([one / max(float(one.mean()), 1e-9) if len(one) else one for one in counts], axis=1).astype(
        np.float32
    )
