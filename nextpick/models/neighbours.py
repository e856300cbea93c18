"""Neighbours: for each item those that most speak for it, and scores of items from what users have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_matrix

if TYPE_CHECKING:
    from nextpick.models.scored import Scored

ITEMS_AT_ONCE = 1024  # rows of a product in memory before they are cut to the nearest

Weighing = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(products, item rows, neighbour rows) of some pairs -> their weights, float; 0 is no neighbour."""


@dataclass(frozen=True)
class Neighbours:
    """weights is float32 CSR, (items, items): weights[i, j] is what having item i adds to the score of item j."""

    weights: csr_matrix

    @classmethod
    def nearest(cls, left: csr_matrix, right: csr_matrix, n: int, weighing: Weighing) -> Self:
        """For each item j the n items i of highest weight, made of left[j] @ right[:, i]; an item is not its own.

        left is (items, users), right (users, items), float32 CSR. Equal weights go to the lower row.
        """
        parts = [_nearest(left, right, n, weighing, at) for at in range(0, left.shape[0], ITEMS_AT_ONCE)]
        items, others, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return cls(csr_matrix((values, (others, items)), shape=(right.shape[1], left.shape[0])))

    def scores(self, user_items: csr_matrix) -> np.ndarray:
        """float32, (users, items): user_items @ weights, NaN where the two have nothing in common.

        A sparse product adds up row by row in the order of the row: no bit depends on who else is asked for.
        """
        out = (user_items @ self.weights).toarray()
        out[out == 0] = np.nan
        return out

    def scored(self, user_items: csr_matrix) -> "Scored":
        """What `scores` says, as rows of those that are not NaN; `user_items` has its columns in ascending order."""
        from nextpick.models.compiled.rows import product
        from nextpick.models.scored import Listed

        return Listed(*product(_parts(user_items), _parts(self.weights)))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """All of it as arrays whose names begin with `name`."""
        kept = self.weights
        return {
            f"{name}_indptr": kept.indptr.astype(np.int64),
            f"{name}_item_rows": kept.indices.astype(np.int32),
            f"{name}_weights": kept.data,
        }

    @classmethod
    def from_arrays(cls, name: str, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `arrays` gave. Raises: KeyError or ValueError where they are not those."""
        indptr, rows, values = (arrays[f"{name}_{what}"] for what in ("indptr", "item_rows", "weights"))
        weights = csr_matrix((values, rows, indptr), shape=(len(indptr) - 1, len(indptr) - 1))
        weights.check_format()
        return cls(weights)


def _parts(matrix: csr_matrix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return matrix.indptr.astype(np.int64, copy=False), matrix.indices.astype(np.int32, copy=False), matrix.data


def _nearest(
    left: csr_matrix, right: csr_matrix, n: int, weighing: Weighing, start: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Items, neighbours and weights of one block of items."""
    block = (left[start : start + ITEMS_AT_ONCE] @ right).tocsr()
    block.sort_indices()
    items = np.repeat(np.arange(block.shape[0], dtype=np.int32), np.diff(block.indptr))
    values = np.asarray(weighing(block.data, items + start, block.indices), np.float32)
    values[items + start == block.indices] = 0
    kept = np.concatenate(
        [highest(values[a:b], n) + a for a, b in zip(block.indptr[:-1], block.indptr[1:], strict=True)]
    ).astype(np.int64)
    return items[kept] + np.int32(start), block.indices[kept].astype(np.int32), values[kept]


def highest(values: np.ndarray, n: int) -> np.ndarray:
    """Positions of the n highest that are not 0, ascending."""
    if len(values) <= n:
        return np.flatnonzero(values)
    nth = np.partition(values, len(values) - n)[len(values) - n]
    above = np.flatnonzero(values > nth)
    level = np.flatnonzero(values == nth)[: n - len(above)]
    kept = np.sort(np.concatenate([above, level]))
    return kept[values[kept] != 0]
