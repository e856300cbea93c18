"""Each user's best items by inner product, exact: every item is looked at, none that is barred comes out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType
from typing import Self

import numpy as np

from nextpick.features.histories import Histories

_GROUPS = 512  # of columns, whose maxima bound the n-th best from below
_USERS_AT_ONCE = 256  # x the catalogue x 4 bytes of scores in memory, without numba


@dataclass(frozen=True)
class Barred:
    """What may not come out: user u's are item_rows[indptr[u]:indptr[u + 1]] (int32, ascending; indptr int64)."""

    indptr: np.ndarray
    item_rows: np.ndarray

    @classmethod
    def nothing(cls, users: int) -> Self:
        return cls(np.zeros(users + 1, np.int64), np.empty(0, np.int32))

    @classmethod
    def of(cls, own: Histories, entries: np.ndarray, hidden: np.ndarray | None = None) -> Self:
        """The marked entries (bool) of each user's history, and for all of them the items `hidden` (bool) marks."""
        users, items = own.user_rows[entries], own.item_rows[entries]
        if hidden is not None and hidden.any():
            everybody = np.repeat(np.arange(len(own)), hidden.sum())
            keys = np.concatenate([users * own.n_items + items, everybody * own.n_items])
            keys[len(users) :] += np.tile(np.flatnonzero(hidden), len(own))
            keys.sort()  # np.unique hashes first, which took 20 times as long as all the rest of a pool
            users, items = np.divmod(keys[np.diff(keys, prepend=-1) > 0], own.n_items)
        return cls(np.searchsorted(users, np.arange(len(own) + 1)).astype(np.int64), items.astype(np.int32))

    def some(self, users: np.ndarray) -> Self:
        """That of some users, in their order."""
        parts = [self.item_rows[self.indptr[user] : self.indptr[user + 1]] for user in users]
        sizes = np.array([len(part) for part in parts], np.int64)
        return type(self)(np.append(0, sizes.cumsum()), np.concatenate([*parts, np.empty(0, np.int32)]))

    def part(self, start: int, stop: int) -> Self:
        """That of the users start:stop."""
        first, last = self.indptr[start], self.indptr[stop]
        return type(self)(self.indptr[start : stop + 1] - first, self.item_rows[first:last])


@dataclass(frozen=True)
class Exact:
    """Item vectors, float32 (items, factors); NaN in the row of an item that never comes out."""

    item_factors: np.ndarray

    def top(self, vectors: np.ndarray, n: int, barred: Barred, threads: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """The items (int32) and scores (float32) of each of `vectors` (float32, (users, factors)): (users, n), best
        first; where there are fewer, -1 and -inf. Equal scores go to the lower row; NaN and -inf never come out.

        Scores are float32 sums, with numba in the order of the factors, without it in BLAS's: the two differ by
        rounding. No bit of a user's answer depends on `threads`, nor with numba on the other users.
        """
        vectors = np.ascontiguousarray(vectors, np.float32)
        step = -(-max(len(vectors), 1) // threads) if compiled() else _USERS_AT_ONCE
        parts = [slice(at, min(at + step, len(vectors))) for at in range(0, max(len(vectors), 1), step)]

        def one(part: slice) -> tuple[np.ndarray, np.ndarray]:
            return self._some(vectors[part], n, barred.part(part.start, part.stop))

        if threads == 1 or len(parts) == 1:
            return _joined([one(part) for part in parts])
        with ThreadPoolExecutor(threads) as pool:
            return _joined(list(pool.map(one, parts)))

    def _some(self, vectors: np.ndarray, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
        if (engine := compiled()) is None:
            return plain(vectors, self.item_factors, n, barred)
        keys = engine.best(vectors, self._panels, len(self.item_factors), n, barred.indptr, barred.item_rows)
        items, scores = engine.decoded(keys[:, ::-1])
        return items, scores

    @cached_property
    def _panels(self) -> np.ndarray:
        engine = compiled()
        assert engine is not None  # noqa: S101
        return np.asarray(engine.panels(np.ascontiguousarray(self.item_factors, np.float32)))


def top(vectors: np.ndarray, item_factors: np.ndarray, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
    """Exact.top of item factors that are asked once."""
    return Exact(item_factors).top(vectors, n, barred)


def plain(vectors: np.ndarray, item_factors: np.ndarray, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
    """What Exact.top says, by NumPy alone, from all scores at once."""
    scores = vectors @ item_factors.T
    scores[np.repeat(np.arange(len(scores)), np.diff(barred.indptr)), barred.item_rows] = -np.inf
    rows, columns, places = best(scores, n)
    items, highest = np.full((len(scores), n), -1, np.int32), np.full((len(scores), n), -np.inf, np.float32)
    items[rows, places], highest[rows, places] = columns, scores[rows, columns]
    return items, highest


def best(scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and places (from 0) of each row's `n` highest; ties go to the lower column, NaN and -inf are out.

    The n-th best of the maxima of groups of columns bounds the n-th best of all from below: few columns are sorted.
    """
    comparable = np.where(np.isnan(scores), -np.inf, scores)
    least = np.full(len(scores), np.finfo(np.float32).min)
    high = scores.shape[1] // _GROUPS
    if n <= _GROUPS and high:
        maxima = comparable[:, : high * _GROUPS].reshape(len(scores), high, _GROUPS).max(axis=1)
        least = np.maximum(least, np.partition(maxima, -n, axis=1)[:, -n])
    rows, columns = np.nonzero(comparable >= least[:, None])
    order = np.lexsort((columns, -comparable[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < n
    return rows[kept], columns[kept], place[kept]


@cache
def compiled() -> ModuleType | None:
    """The kernel, which takes a second to import; None without numba, or where it has no folder to keep code in."""
    try:
        from nextpick.models.compiled import topn
    except (ImportError, RuntimeError):
        return None
    return topn


def _joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    items, scores = zip(*parts, strict=True)
    return np.concatenate(items), np.concatenate(scores)
