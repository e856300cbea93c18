"""ALS: implicit-feedback matrix factorisation; users are folded in from their history, never looked up.

Hu, Koren, Volinsky, *Collaborative Filtering for Implicit Feedback Datasets* (ICDM 2008), where what is long ago says
less: an entry's confidence is c = 1 + alpha * weight * 2 ** (-days since its last interaction / half life). A user's
vector is the solution of

    (Y'Y + sum over the user's items of (c - 1) y y' + regularization * I) x = sum over them of c y

where Y holds the item factors y; the score of an item is x'y.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.features.histories import Histories, of_users
from nextpick.params import Params
from nextpick.schema import US_PER_DAY


@dataclass(frozen=True)
class Als:
    """item_factors is float32 (items, factors), NaN in the rows of items that nobody had when it was fitted."""

    item_factors: np.ndarray
    alpha: float
    regularization: float
    half_life_days: float

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
            model.fit(_confidence(histories, chosen.alpha, chosen.half_life_days), show_progress=False)
        factors = model.item_factors.astype(np.float32)
        factors[np.bincount(histories.item_rows, minlength=histories.n_items) == 0] = np.nan
        return cls(factors, chosen.alpha, chosen.regularization, chosen.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        out = np.full((len(user_rows), histories.n_items), np.nan, np.float32)
        own = of_users(histories, user_rows)
        extra = _extra(own, self.alpha, self.half_life_days)
        for user, (start, end) in enumerate(pairwise(own.indptr.tolist())):
            rows = own.item_rows[start:end]
            known = self._known[rows]
            if known.any():
                # One product a user: a product over many at once rounds by its own shape.
                out[user] = self.item_factors @ self._fold_in(rows[known], extra[start:end][known])
        return out

    def _fold_in(self, rows: np.ndarray, extra: np.ndarray) -> np.ndarray:
        """The vector, float32 (factors,), of a user with these items, given c - 1 of each; solved in float64."""
        y = self._factors[rows]
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
            "half_life_days": np.array(self.half_life_days),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        numbers = (float(arrays[name]) for name in ("alpha", "regularization", "half_life_days"))
        return cls(arrays["item_factors"], *numbers)


def _extra(histories: Histories, alpha: float, half_life_days: float) -> np.ndarray:
    """c - 1 of each entry, float64."""
    age_days = (histories.as_of - histories.last_at) / US_PER_DAY
    return alpha * histories.weights * np.exp2(-age_days / half_life_days)


def _confidence(histories: Histories, alpha: float, half_life_days: float) -> csr_matrix:
    """user_items with the confidence c of each entry: float32 CSR, (users, items)."""
    data = (1 + _extra(histories, alpha, half_life_days)).astype(np.float32)
    shape = (len(histories), histories.n_items)
    return csr_matrix((data, histories.item_rows, histories.indptr), shape=shape)


GENERATOR = Als
