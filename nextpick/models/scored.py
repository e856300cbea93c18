"""What a generator makes of some users, where writing a score for every item of the catalogue would be waste.

It stands on what numba compiles: without numba a pool is made from Generator.scores, with the same bits.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from nextpick.models.approximate import Approximate
from nextpick.models.compiled import rows as kernels
from nextpick.models.compiled import topn as keys
from nextpick.models.products import Whole, products
from nextpick.models.topn import Barred, Exact, best

_SPARE = 16  # candidates more than asked for, of which rounding may have put one too low


class Scored(Protocol):
    """The scores of some users, numbered from 0, to the bit those of Generator.scores."""

    def best(self, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
        """Users and items of each user's n best that are not barred, in any order; ties go to the lower item."""

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """The score of each pair: float32, NaN where there is none."""


@dataclass(frozen=True)
class Listed:
    """Few items a user: those of user u are item_rows[indptr[u]:indptr[u + 1]] (int32, ascending; indptr int64), with
    scores (float32); all others have none."""

    indptr: np.ndarray
    item_rows: np.ndarray
    scores: np.ndarray

    def best(self, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
        found = np.empty((len(self.indptr) - 1, n), np.uint64)
        kernels.best(self.indptr, self.item_rows, self.scores, barred.indptr, barred.item_rows, found)
        return _pairs(keys.decoded(found)[0])

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return np.asarray(kernels.found(self.indptr, self.item_rows, self.scores, users, items))


@dataclass(frozen=True)
class Same:
    """The same for everybody: item_scores is float32 (items,)."""

    item_scores: np.ndarray

    def best(self, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
        sizes = np.diff(barred.indptr)
        first = self._order[: n + sizes.max(initial=0)]
        place = np.full(len(self.item_scores), -1)
        place[first] = np.arange(len(first))
        at, free = place[barred.item_rows], np.ones((len(sizes), len(first)), bool)
        free[np.repeat(np.arange(len(sizes)), sizes)[at >= 0], at[at >= 0]] = False
        users, places = np.nonzero(free & (np.cumsum(free, axis=1) <= n))
        return users, first[places]

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return self.item_scores[items]

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(-self.item_scores, kind="stable")[: (~np.isnan(self.item_scores)).sum()]


@dataclass(frozen=True)
class ItemSide:
    """Item vectors as Factored needs them: to search, and exact."""

    index: Exact | Approximate
    whole: Whole

    @cached_property
    def known(self) -> np.ndarray:
        return ~np.isnan(self.index.item_factors[:, 0])

    @cached_property
    def longest(self) -> float:
        return float(
            np.sqrt(np.einsum("ij,ij->i", self.whole.numbers, self.whole.numbers) * self.whole.scales**2).max()
        )

    @cached_property
    def largest(self) -> float:
        return float((np.abs(self.whole.numbers).max(axis=1, initial=0) * self.whole.scales).max(initial=0))


@dataclass(frozen=True)
class Factored:
    """Exact products of users' vectors with the items'; `known` (bool) are the users who have any.

    The n best are found by float32 sums. These and the exact products differ by less than `_errors`: where the n-th
    exact one is further than that above the last sum that was looked at, none that was not looked at can be better.
    The users of whom that cannot be said get all their products. Of an approximate index nothing can be said: its
    candidates are what there is, in their exact order.
    """

    vectors: np.ndarray
    known: np.ndarray
    items: ItemSide

    def best(self, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
        rows = np.flatnonzero(self.known)
        items, sums = self.items.index.top(self.vectors, n + _SPARE, barred)
        items, sums = items[rows], sums[rows]
        exact = np.zeros(items.shape, np.uint64)
        users, places = np.nonzero(items >= 0)
        proposed = items[users, places]
        exact[users, places] = keys.encoded(self.of(rows[users], proposed), proposed)
        exact.sort(axis=1)
        highest, scores = keys.decoded(exact[:, _SPARE:])
        sure = (items[:, -1] < 0) | (scores[:, 0] > sums[:, -1] + self._errors[rows])
        sure |= isinstance(self.items.index, Approximate)
        users, found = _pairs(highest[sure])
        more, others = self._of_all(rows[~sure], n, barred)
        return np.concatenate([rows[sure][users], more]), np.concatenate([found, others])

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        out = kernels.dots(self._whole.numbers, self.items.whole.numbers, users, items)
        out *= self._whole.scales[users]
        out *= self.items.whole.scales[items]
        out[~self.known[users] | ~self.items.known[items]] = np.nan
        return np.asarray(out, np.float32)

    def _of_all(self, rows: np.ndarray, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
        scores = products(Whole(self._whole.numbers[rows], self._whole.scales[rows]), self.items.whole)
        scores[:, ~self.items.known] = np.nan
        for i, row in enumerate(rows):
            scores[i, barred.item_rows[barred.indptr[row] : barred.indptr[row + 1]]] = np.nan
        users, items, _ = best(scores, n)
        return rows[users], items

    @cached_property
    def _whole(self) -> Whole:
        return Whole.of(self.vectors)

    @property
    def _errors(self) -> np.ndarray:
        """Each user's bound: of a float32 sum of so many products, its parts and itself rounded (Higham, *Accuracy and
        Stability of Numerical Algorithms*, 3.1), and of both sides as whole numbers; doubled."""
        factors, items = self.vectors.shape[1], self.items
        wide = self.vectors.astype(np.float64)
        sums = (factors + 2) * np.finfo(np.float32).eps * np.linalg.norm(wide, axis=1) * items.longest
        steps = (
            np.abs(wide).max(axis=1, initial=0) * items.whole.scales.max(initial=0) + self._whole.scales * items.largest
        )
        return np.asarray(2 * (sums + factors * steps))


def _pairs(items: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Users and items of (users, n), where -1 is none."""
    users, places = np.nonzero(items >= 0)
    return users, items[users, places]
