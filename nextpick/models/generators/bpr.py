"""BPR: item factors learnt so that what a user has ranks above what they have not.

Rendle, Freudenthaler, Gantner, Schmidt-Thieme, *BPR: Bayesian Personalized Ranking from Implicit Feedback* (UAI 2009).
Each step draws an entry, all alike whatever their strength, and an item the user has not, all alike whatever their
popularity; the learning rate falls to 0 over iterations * entries steps. With item factors y and biases b:

    score(user, j) = x . y_j + b_j,    x = turn' * (mean of the y of the user's items, by strength)

turn (factors x factors) is the ridge regression of the fitted users' vectors on the means of their items' factors:
users are folded in from their history, known or not, and rank no worse than by the fitted vectors (docs/adr/0010).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.features.histories import Histories
from nextpick.features.user_items import some_user_items, strengths, user_items
from nextpick.models.products import Whole, products
from nextpick.params import Params

_RIDGE = 1e-3  # of a mean item's squared length, summed over the users


@dataclass(frozen=True)
class Bpr:
    """item_factors is float32 (items, factors), NaN in the rows of items that nobody had; biases float32 (items,)."""

    item_factors: np.ndarray
    biases: np.ndarray
    turn: np.ndarray
    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        from nextpick.models.bpr_engine import bpr_factors

        chosen = params.bpr
        taken = user_items(histories, strengths(histories, chosen.half_life_days))
        had = np.flatnonzero(taken.getnnz(axis=0))
        factors = np.full((histories.n_items, chosen.factors), np.nan, np.float32)
        biases = np.full(histories.n_items, np.nan, np.float32)
        taken = taken[:, had]
        users, factors[had], biases[had] = bpr_factors(taken, chosen, params.seed)
        turn = _ridge(_means(taken, factors[had]), users)
        return cls(factors, biases, turn, chosen.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        own = some_user_items(histories, user_rows, self.half_life_days)
        own.data[np.isnan(self.item_factors[own.indices, 0])] = 0
        vectors = _means(own, np.nan_to_num(self.item_factors))
        turned = products(Whole.of(vectors), self._turn)
        out = products(Whole.of(turned), self._whole) + self.biases
        out[:, np.isnan(self.item_factors[:, 0])] = np.nan
        out[~vectors.any(axis=1)] = np.nan
        return out

    @cached_property
    def _whole(self) -> Whole:
        return Whole.of(np.nan_to_num(self.item_factors))

    @cached_property
    def _turn(self) -> Whole:
        return Whole.of(self.turn.T)

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            "item_factors": self.item_factors,
            "biases": self.biases,
            "turn": self.turn,
            "half_life_days": np.array(self.half_life_days),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(arrays["item_factors"], arrays["biases"], arrays["turn"], float(arrays["half_life_days"]))


def _means(taken: csr_matrix, factors: np.ndarray) -> np.ndarray:
    """Each user's mean of their items' factors, by strength: float32, (users, factors)."""
    sums = np.asarray(taken.sum(axis=1), np.float32)
    return np.asarray(taken @ factors, np.float32) / np.where(sums > 0, sums, 1)


def _ridge(means: np.ndarray, users: np.ndarray) -> np.ndarray:
    """turn, float32: users ~ means @ turn."""
    wide = means.astype(np.float64)
    gram = wide.T @ wide
    gram += (_RIDGE * np.trace(gram) / len(gram) + 1e-12) * np.eye(len(gram))
    return np.linalg.solve(gram, wide.T @ users.astype(np.float64)).astype(np.float32)


GENERATOR = Bpr
