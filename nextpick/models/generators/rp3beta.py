"""RP3beta: a walk of three steps from the user over an item and one of its users to another item.

w(i, j) = sum over users u of p(u | i) ** alpha p(j | u) ** alpha / (users of j) ** beta, where p shares an item's or a
user's strength out among its entries; score(user, j) = sum over the user's items i of strength * w(i, j). beta holds
back what is popular.
Paudel, Christoffel, Newell, Bernstein, *Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive
Applications* (TiiS 2016); with alpha as in Cooper et al., *Random Walks in Recommender Systems* (WWW 2014).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.features.histories import Histories
from nextpick.features.user_items import some_user_items, strengths, user_items
from nextpick.models.neighbours import Neighbours
from nextpick.params import Params

if TYPE_CHECKING:
    from nextpick.models.scored import Scored


@dataclass(frozen=True)
class Rp3Beta:
    """Each item's nearest params.rp3beta.neighbours."""

    near: Neighbours
    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        chosen = params.rp3beta
        taken = user_items(histories, strengths(histories, chosen.half_life_days))
        to_items = _shares(taken, chosen.alpha)
        to_users = _shares(taken.T.tocsr(), chosen.alpha)
        popularity = np.maximum(np.bincount(histories.item_rows, minlength=histories.n_items), 1.0) ** -chosen.beta

        def weighing(products: np.ndarray, items: np.ndarray, others: np.ndarray) -> np.ndarray:
            return products * popularity[items]

        # The walk from i to j read backwards, since the nearest are chosen for each j.
        near = Neighbours.nearest(to_items.T.tocsr(), to_users.T.tocsr(), chosen.neighbours, weighing)
        return cls(near, chosen.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        return self.near.scores(some_user_items(histories, user_rows, self.half_life_days))

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        return self.near.scored(some_user_items(histories, user_rows, self.half_life_days))

    def arrays(self) -> dict[str, np.ndarray]:
        return {**self.near.arrays("rp3beta"), "half_life_days": np.array(self.half_life_days)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(Neighbours.from_arrays("rp3beta", arrays), float(arrays["half_life_days"]))


def _shares(matrix: csr_matrix, alpha: float) -> csr_matrix:
    """Each row shared out among its entries, to the power of alpha; float32. So long ago that it is 0 is no share."""
    sums = np.repeat(np.asarray(matrix.sum(axis=1), np.float64).ravel(), np.diff(matrix.indptr))
    values = np.divide(matrix.data, sums, out=np.zeros(len(sums)), where=sums > 0) ** alpha
    return csr_matrix((values.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


GENERATOR = Rp3Beta
