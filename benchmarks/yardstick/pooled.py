"""The pool of several generators: each user's candidates, with every member's score and rank."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.yardstick.ranking import comparable, in_blocks
from benchmarks.yardstick.split import Split
from nextpick.features.histories import Histories
from nextpick.models.pool import best

PER_MEMBER = 100  # of each member's best are candidates


class Scoring(Protocol):
    """What a member of the pool must do: score, as a generator does."""

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        """As Generator.scores."""


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
    n = PER_MEMBER if split.negatives is None else split.train.n_items

    def block(rows: np.ndarray) -> tuple[np.ndarray, ...]:
        scores = [member.scores(split.train, rows) for member in members.values()]
        chosen = np.zeros(scores[0].shape, bool)
        for one in scores:
            at, items, _ = best(comparable(one, split, rows), n)
            chosen[at, items] = True
        at, items = np.nonzero(chosen)
        values = np.stack([np.nan_to_num(one[at, items]) for one in scores], axis=1)
        return (
            np.bincount(at, minlength=len(rows)),
            items.astype(np.int32),
            values,
            _labels(split.test, rows, at, items),
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


def _labels(test: csr_matrix, rows: np.ndarray, at: np.ndarray, items: np.ndarray) -> np.ndarray:
    return test[rows].toarray().astype(bool)[at, items]


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
