"""ALS: implicit-feedback matrix factorisation; users are folded in from their history, never looked up.

Hu, Koren, Volinsky, *Collaborative Filtering for Implicit Feedback Datasets* (ICDM 2008). With confidence
c = 1 + alpha * weight a user's vector is the solution of

    (Y'Y + sum over the user's items of (c - 1) y y' + regularization * I) x = sum over them of c y

where Y holds the item factors y; the score of an item is x'y.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.features.histories import Histories
from nextpick.params import Params


@dataclass(frozen=True)
class Als:
    """item_factors is float32 (items, factors), NaN in the rows of items that nobody had when it was fitted."""

    item_factors: np.ndarray
    alpha: float
    regularization: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        """Fit with implicit; its result does not depend on the number of threads, as each row is solved alone."""
        from implicit.cpu.als import AlternatingLeastSquares  # here, since a service only folds in
        from threadpoolctl import threadpool_limits

        chosen = params.als
        with threadpool_limits(1, "blas"):  # implicit has threads of its own, and its BLAS calls are tiny
            model = AlternatingLeastSquares(
                factors=chosen.factors,
                regularization=chosen.regularization,
                iterations=chosen.iterations,
                random_state=params.seed,
            )
            model.fit(_confidence(histories, chosen.alpha), show_progress=False)
        factors = model.item_factors.astype(np.float32)
        factors[np.bincount(histories.item_rows, minlength=histories.n_items) == 0] = np.nan
        return cls(factors, chosen.alpha, chosen.regularization)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        out = np.full((len(user_rows), histories.n_items), np.nan, np.float32)
        for i, user in enumerate(user_rows.tolist()):
            mine = slice(histories.indptr[user], histories.indptr[user + 1])
            rows = histories.item_rows[mine]
            known = self._known[rows]
            if known.any():
                # One product a user: a product over many at once rounds by its own shape.
                out[i] = self.item_factors @ self._fold_in(rows[known], histories.weights[mine][known])
        return out

    def _fold_in(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The vector, float32 (factors,), of a user with these items; solved in float64."""
        y = self._factors[rows]
        extra = self.alpha * weights.astype(np.float64)
        gram = self._gram + (y.T * extra) @ y
        return np.linalg.solve(gram, (1 + extra) @ y).astype(np.float32)

    @cached_property
    def _known(self) -> np.ndarray:
        return ~np.isnan(self.item_factors[:, 0])

    @cached_property
    def _factors(self) -> np.ndarray:
        return np.nan_to_num(self.item_factors).astype(np.float64)

    @cached_property
    def _gram(self) -> np.ndarray:
        return self._factors.T @ self._factors + self.regularization * np.eye(self.item_factors.shape[1])

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "item_factors": self.item_factors,
            "alpha": np.array(self.alpha),
            "regularization": np.array(self.regularization),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(arrays["item_factors"], float(arrays["alpha"]), float(arrays["regularization"]))


def _confidence(histories: Histories, alpha: float) -> csr_matrix:
    """user_items with the confidence of each entry: float32 CSR, (users, items)."""
    data = 1 + np.float32(alpha) * histories.weights
    shape = (len(histories), histories.n_items)
    return csr_matrix((data, histories.item_rows, histories.indptr), shape=shape)
