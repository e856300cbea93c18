"""EASE^R: the linear item-item model with a closed form, no item speaking for itself.

P = (X'X + regularization * I)^-1, B_ij = -P_ij / P_jj off the diagonal; score(user, j) = sum of strength_i * B_ij.
Steck, *Embarrassingly Shallow Autoencoders for Sparse Data* (WWW 2019). P is dense while it is computed, in place in
float32: 4 bytes a pair of items, and catalogue ** 3 operations.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from nextpick.errors import ConfigError
from nextpick.features.histories import Histories
from nextpick.features.user_items import some_user_items, strengths, user_items
from nextpick.models.neighbours import Neighbours, highest
from nextpick.params import Params

_ONE_THREAD_ITEMS = 4096  # a catalogue up to this has the same bits whatever the threads; a larger one needs them
_AT_ONCE = 2048  # rows or columns of P


@dataclass(frozen=True)
class Ease:
    """The params.ease.neighbours entries of largest absolute value of each column of B."""

    near: Neighbours
    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        """Raises: ConfigError where P would not fit in params.ease.max_gb."""
        chosen = params.ease
        taken = user_items(histories, strengths(histories, chosen.half_life_days))
        had = np.flatnonzero(taken.getnnz(axis=0))
        if (needed := 4e-9 * len(had) ** 2) > chosen.max_gb:
            raise ConfigError(
                f"ease needs {needed:.1f} GB for {len(had)} items, and params ease.max_gb allows {chosen.max_gb:g}. "
                "Raise it where the memory is there, or take ease out of the pool."
            )
        inverse = _inverse(taken[:, had], chosen.regularization)
        return cls(_near(inverse, had, histories.n_items, chosen.neighbours), chosen.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        return self.near.scores(some_user_items(histories, user_rows, self.half_life_days))

    def arrays(self) -> dict[str, np.ndarray]:
        return {**self.near.arrays("ease"), "half_life_days": np.array(self.half_life_days)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(Neighbours.from_arrays("ease", arrays), float(arrays["half_life_days"]))


def _inverse(taken: csr_matrix, regularization: float) -> np.ndarray:
    """P, float32 (items, items)."""
    n = taken.shape[1]
    across = taken.T.tocsr()
    matrix = np.empty((n, n), np.float32)
    for at in range(0, n, _AT_ONCE):
        matrix[at : at + _AT_ONCE] = (across[at : at + _AT_ONCE] @ taken).toarray()
    matrix[np.diag_indices(n)] += regularization
    with threadpool_limits(1 if n <= _ONE_THREAD_ITEMS else None, "blas"):
        for at in range(0, n, _AT_ONCE):
            _sweep(matrix, at, min(at + _AT_ONCE, n), regularization)
    for at in range(0, n, _AT_ONCE):
        matrix[at : at + _AT_ONCE, at:] = matrix[at:, at : at + _AT_ONCE].T
    return np.negative(matrix, out=matrix)


def _sweep(matrix: np.ndarray, start: int, end: int, regularization: float) -> None:
    """Sweep the rows start:end, in place, of the lower triangle; when all are swept it is that of -P.

    Blocks of Goodnight, *A Tutorial on the SWEEP Operator* (The American Statistician 1979): as many multiplications as
    Cholesky's, nearly all in large products, and no second matrix. (LAPACK's spotrf in scipy 1.18 crashes from about
    33,000 rows on.)
    """
    pivot, failed = lapack.dpotrf(matrix[start:end, start:end].astype(np.float64), lower=1)
    if not failed:
        pivot, failed = lapack.dpotri(pivot, lower=1)
    if failed:
        raise ConfigError(f"ease cannot invert X'X + {regularization:g} I: raise params ease.regularization.")
    inverse = (np.tril(pivot) + np.tril(pivot, -1).T).astype(np.float32)
    panel = np.concatenate([matrix[start:end, :start].T, matrix[start:, start:end]])
    panel[start:end] = 0
    scaled = panel @ inverse
    for at in range(0, len(matrix), _AT_ONCE):
        rows = slice(at, at + _AT_ONCE)
        matrix[rows, : rows.stop] -= scaled[rows] @ panel[: rows.stop].T
    matrix[start:end, :start] = scaled[:start].T
    matrix[start:end, start:end] = -inverse
    matrix[end:, start:end] = scaled[end:]


def _near(inverse: np.ndarray, had: np.ndarray, n_items: int, n: int) -> Neighbours:
    """B's heaviest entries a column, as rows and columns of the whole catalogue."""
    diagonal = inverse.diagonal().copy()
    sources, targets, weights = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for j in range(len(had)):
        column = inverse[j] / -diagonal[j]  # P is symmetric
        column[j] = 0
        kept = highest(np.abs(column), n)
        sources.append(had[kept])
        targets.append(np.full(len(kept), had[j]))
        weights.append(column[kept])
    where = np.concatenate(sources), np.concatenate(targets)
    return Neighbours(csr_matrix((np.concatenate(weights), where), shape=(n_items, n_items)))


GENERATOR = Ease
