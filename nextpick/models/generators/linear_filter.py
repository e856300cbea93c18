"""Linear filter: normalised co-occurrence, sharpened, with a low-rank part.

With strengths R (users x items), u the users' and d the items' sums:

    C = R' diag(u ** -user_exponent) R                                     what goes together; active users say less
    w(i, j) = (C_ij ** sharpening) * d_i ** -source_exponent * d_j ** -target_exponent
    score(user, j) = sum over the user's items i of strength * w(i, j)
                     + rank_weight * (strength * d_i ** -rank_exponent) . V_i . V_j * d_j ** rank_exponent

V are the first `rank` right singular vectors of diag(u ** -1/2) R diag(d ** -1/2): a low-pass filter on the graph of
users and items. user_exponent 1, the others 1/2, sharpening 1 is GF-CF: Shen et al., *How Powerful is Graph
Convolution for Recommendation?* (CIKM 2021). Free exponents: Fu et al., *Revisiting Neighborhood-based Link
Prediction for Collaborative Filtering* (WWW 2022). Sharpening: Park et al., *Turbo-CF* (SIGIR 2024).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.errors import ConfigError
from nextpick.features.histories import Histories
from nextpick.features.user_items import some_user_items, strengths, user_items
from nextpick.models.dense import Dense
from nextpick.models.neighbours import Neighbours
from nextpick.models.products import Whole, products
from nextpick.models.singular import right_singular_vectors
from nextpick.params import LinearFilterParams, Params

if TYPE_CHECKING:
    from nextpick.models.scored import Scored


@dataclass(frozen=True)
class LinearFilter:
    """Each item's nearest, and the low-rank part as two float32 (items, rank): what an item of the user's puts in, and
    what a score takes out; zero for an item that nobody had, and rank 0 where there is no such part.
    """

    near: Neighbours
    put_in: np.ndarray
    take_out: np.ndarray
    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        """Raises: ConfigError where params leave both parts out."""
        chosen = params.linear_filter
        if not chosen.neighbours and not (chosen.rank and chosen.rank_weight):
            raise ConfigError(
                f"linear_filter would score nothing with {chosen.neighbours} neighbours, rank {chosen.rank} and "
                f"rank_weight {chosen.rank_weight:g}: set neighbours, or the other two, above 0 in params.yaml."
            )
        taken = user_items(histories, strengths(histories, chosen.half_life_days))
        near = _near(taken, chosen)
        put_in, take_out = _low_rank(taken, chosen, params.seed)
        return cls(near, put_in, take_out, chosen.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        own = some_user_items(histories, user_rows, self.half_life_days)
        near = self.near.scores(own)
        if not self.put_in.shape[1]:
            return near
        out = products(Whole.of(own @ self.put_in), self._taken_out) + np.nan_to_num(near)
        out[out == 0] = np.nan
        return out

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        if self.put_in.shape[1]:  # the low-rank part has an opinion of every item
            return Dense(self.scores(histories, user_rows))
        return self.near.scored(some_user_items(histories, user_rows, self.half_life_days))

    def arrays(self) -> dict[str, np.ndarray]:
        return {
            **self.near.arrays("linear_filter"),
            "put_in": self.put_in,
            "take_out": self.take_out,
            "half_life_days": np.array(self.half_life_days),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        near = Neighbours.from_arrays("linear_filter", arrays)
        return cls(near, arrays["put_in"], arrays["take_out"], float(arrays["half_life_days"]))

    @cached_property
    def _taken_out(self) -> Whole:
        return Whole.of(self.take_out)


def _near(taken: csr_matrix, chosen: LinearFilterParams) -> Neighbours:
    """The nearest of each item; none where params ask for none, which leaves the low-rank part alone."""
    of_users, of_items = _sums(taken)
    users = of_users**-chosen.user_exponent
    if not chosen.neighbours:
        return Neighbours(csr_matrix((taken.shape[1], taken.shape[1]), dtype=np.float32))
    right = csr_matrix(
        ((taken.data * np.repeat(users, np.diff(taken.indptr))).astype(np.float32), taken.indices, taken.indptr),
        shape=taken.shape,
    )
    source, target = of_items**-chosen.source_exponent, of_items**-chosen.target_exponent

    def weighing(products: np.ndarray, items: np.ndarray, others: np.ndarray) -> np.ndarray:
        return products.astype(np.float64) ** chosen.sharpening * target[items] * source[others]

    return Neighbours.nearest(taken.T.tocsr(), right, chosen.neighbours, weighing)


def _low_rank(taken: csr_matrix, chosen: LinearFilterParams, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """put_in and take_out."""
    if not chosen.rank or not taken.nnz:
        none = np.empty((taken.shape[1], 0), np.float32)
        return none, none
    of_users, of_items = _sums(taken)
    values = taken.data * np.repeat(of_users**-0.5, np.diff(taken.indptr)) * (of_items**-0.5)[taken.indices]
    normalised = csr_matrix((values.astype(np.float32), taken.indices, taken.indptr), shape=taken.shape)
    vectors = right_singular_vectors(normalised, chosen.rank, seed) * (taken.getnnz(axis=0) > 0)[:, None]
    power = of_items**chosen.rank_exponent
    put_in, take_out = vectors / power[:, None], vectors * power[:, None] * chosen.rank_weight
    return put_in.astype(np.float32), take_out.astype(np.float32)


def _sums(taken: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Of the users and of the items, float64; 1 where there is nothing, so that it has a power."""
    users, items = (np.asarray(taken.sum(axis=axis), np.float64).ravel() for axis in (1, 0))
    return np.where(users > 0, users, 1.0), np.where(items > 0, items, 1.0)


GENERATOR = LinearFilter
