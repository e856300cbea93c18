"""EASE^R: the linear item-item model with a closed form, no item speaking for itself.

P = (X'X + l I)^-1, B_ij = -P_ij / P_jj off the diagonal; score(user, j) = sum of strength_i * B_ij; l is the
regularization. Steck, *Embarrassingly Shallow Autoencoders for Sparse Data* (WWW 2019).

Where users are fewer than items, the inverse is of their side, by Woodbury's identity:

    P = (I - X' K X) / l,    K = (X X' + l I)^-1

P or K is dense while it is computed, in place in float32: 4 bytes a pair, and the cube of the side in operations. From
K, P is made some columns at a time, by products with X, which is sparse.

Where that is more than params.ease.max_gb, the model is of as many of the most taken items as fit; of the others it has
no opinion, as of new ones.
"""

import logging
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix
from threadpoolctl import threadpool_limits

from nextpick.errors import ConfigError
from nextpick.features.histories import Histories
from nextpick.features.user_items import some_user_items, strengths, user_items
from nextpick.models.neighbours import Neighbours, highest
from nextpick.params import EaseParams, Params

if TYPE_CHECKING:
    from nextpick.models.scored import Scored

log = logging.getLogger(__name__)
_ONE_THREAD_SIDE = 4096  # up to this the bits are the same whatever the threads; a larger side needs them
_AT_ONCE = 2048  # rows of what is inverted
_FROM_USERS_AT_ONCE = 512  # rows of P made from K


@dataclass(frozen=True)
class Ease:
    """The params.ease.neighbours entries of largest absolute value of each column of B."""

    near: Neighbours
    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        """Raises: ConfigError where params.ease.max_gb has room for no item, or the regularization is too small."""
        chosen = params.ease
        taken = user_items(histories, strengths(histories, chosen.half_life_days))
        had = np.flatnonzero(taken.getnnz(axis=0))
        had = had[_head(taken.getnnz(axis=0)[had], len(histories), chosen)]
        taken = taken[:, had]
        taken = taken[taken.getnnz(axis=1) > 0]
        return cls(
            _near(_inverse(taken, chosen.regularization), had, histories.n_items, chosen.neighbours),
            chosen.half_life_days,
        )

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        return self.near.scores(some_user_items(histories, user_rows, self.half_life_days))

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        return self.near.scored(some_user_items(histories, user_rows, self.half_life_days))

    def arrays(self) -> dict[str, np.ndarray]:
        return {**self.near.arrays("ease"), "half_life_days": np.array(self.half_life_days)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(Neighbours.from_arrays("ease", arrays), float(arrays["half_life_days"]))


def _head(counts: np.ndarray, users: int, chosen: EaseParams) -> np.ndarray:
    """Places, ascending, of the items that take part: all, or the most taken ones that memory allows."""
    items = len(counts)
    fit = bisect_right(range(1, items + 1), chosen.max_gb, key=lambda n: _gigabytes(users, n, chosen))
    if fit == items:
        return np.arange(items)
    needed = _gigabytes(users, items, chosen)
    if not fit:
        raise ConfigError(
            f"ease has room for no item in params ease.max_gb, {chosen.max_gb:g}; for all {items} items of {users} "
            f"users it needs {needed:.2g} GB. Raise it, or take ease out of the pool."
        )
    log.warning(
        "ease knows the %d most taken of %d items, which is what params ease.max_gb, %g, has room for; all need %.2g.",
        fit, items, chosen.max_gb, needed,
    )  # fmt: skip
    return np.sort(np.argsort(-counts, kind="stable")[:fit])


def _gigabytes(users: int, items: int, chosen: EaseParams) -> float:
    """The inverse, the blocks it is swept in or the rows made from it, and the neighbours while they are gathered."""
    side = min(users, items)
    swept, made = 3 * side * min(side, _AT_ONCE), 2 * (users + items) * min(items, _FROM_USERS_AT_ONCE)
    beside = swept if users >= items else max(swept, made)
    return 4e-9 * (side**2 + beside + 4 * items * min(items, chosen.neighbours))


def _inverse(taken: csr_matrix, regularization: float) -> Iterator[np.ndarray]:
    """P, some rows at a time: float32, (rows, items)."""
    users, items = taken.shape
    across = taken.T.tocsr()
    if users >= items:
        yield _inverse_gram(across, regularization)
        return
    inverse = _inverse_gram(taken, regularization)
    for at in range(0, items, _FROM_USERS_AT_ONCE):
        half = across[at : at + _FROM_USERS_AT_ONCE] @ inverse
        rows = np.divide((across @ half.T).T, np.float32(-regularization), order="C")
        rows[np.arange(len(rows)), np.arange(at, at + len(rows))] += 1 / regularization
        yield rows


def _inverse_gram(rows: csr_matrix, regularization: float) -> np.ndarray:
    """(rows rows' + regularization I)^-1, float32."""
    n = rows.shape[0]
    matrix = np.empty((n, n), np.float32)
    others = rows.T.tocsr()
    for at in range(0, n, _AT_ONCE):
        matrix[at : at + _AT_ONCE] = (rows[at : at + _AT_ONCE] @ others).toarray()
    matrix[np.diag_indices(n)] += regularization
    with threadpool_limits(1 if n <= _ONE_THREAD_SIDE else None, "blas"):
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
    from scipy.linalg import lapack  # late: who only answers does without, and its image has none

    pivot, failed = lapack.dpotrf(matrix[start:end, start:end].astype(np.float64), lower=1)
    if not failed:
        pivot, failed = lapack.dpotri(pivot, lower=1)
    if failed:
        raise ConfigError(f"ease cannot invert X'X + {regularization:g} I: raise params ease.regularization.")
    inverse = (np.tril(pivot) + np.tril(pivot, -1).T).astype(np.float32)
    panel = np.concatenate([matrix[start:end, :start].T, matrix[start:, start:end]])
    panel[start:end] = 0
    scaled = panel @ inverse
    memory = np.empty(_AT_ONCE * len(matrix), np.float32)  # a new one for each product costs a fifth of the time
    for at in range(0, len(matrix), _AT_ONCE):
        left, right = scaled[at : at + _AT_ONCE], panel[: at + _AT_ONCE]
        product = memory[: len(left) * len(right)].reshape(len(left), len(right))
        matrix[at : at + _AT_ONCE, : at + _AT_ONCE] -= np.matmul(left, right.T, out=product)
    matrix[start:end, :start] = scaled[:start].T
    matrix[start:end, start:end] = -inverse
    matrix[end:, start:end] = scaled[end:]


def _near(inverse: Iterator[np.ndarray], had: np.ndarray, n_items: int, n: int) -> Neighbours:
    """B's heaviest entries a column, as rows and columns of the whole catalogue."""
    sources, weights = [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    sizes = np.zeros(n_items + 1, np.int64)
    for j, row in enumerate(row for rows in inverse for row in rows):
        column = row / -row[j]  # P is symmetric
        column[j] = 0
        kept = highest(np.abs(column), n)
        sources.append(had[kept].astype(np.int32))
        weights.append(column[kept])
        sizes[had[j] + 1] = len(kept)
    columns = np.concatenate(weights), np.concatenate(sources), np.cumsum(sizes)
    return Neighbours(csc_matrix(columns, shape=(n_items, n_items)).tocsr())


GENERATOR = Ease
