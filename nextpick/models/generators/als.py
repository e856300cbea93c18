"""ALS: implicit-feedback matrix factorisation; users are folded in from their history, never looked up.

Hu, Koren, Volinsky, *Collaborative Filtering for Implicit Feedback Datasets* (ICDM 2008), where what is long ago says
less: an entry's confidence is c = 1 + alpha * weight * 2 ** (-days since its last interaction / half life). A user's
vector is the solution of

    (Y'Y + sum over the user's items of (c - 1) y y' + lambda * I) x = sum over them of c y
    lambda = regularization * (the user's items / items of a user on average) ** frequency_exponent

where Y holds the item factors y; the score of an item is x'y. An item's lambda follows its users in the same way.
The two knobs are those of Rendle, Krichene, Zhang, Koren, *Revisiting the Performance of iALS on Item Recommendation
Benchmarks* (RecSys 2022): 1 / alpha is the weight of the unobserved, and their nu is frequency_exponent.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from nextpick.features.histories import Histories, of_users
from nextpick.features.user_items import strengths, user_items
from nextpick.models import implicit_engine
from nextpick.models.approximate import Approximate, index_of
from nextpick.models.products import Whole, products
from nextpick.params import Params

if TYPE_CHECKING:
    from nextpick.models.scored import ItemSide, Scored
    from nextpick.models.topn import Exact

_START = 0.1  # length of a vector before the first iteration, about
_STEP = 1.5  # rows whose lambdas differ by less than this factor are solved with one


@dataclass(frozen=True)
class Als:
    """item_factors is float32 (items, factors), NaN in the rows of items that nobody had when it was fitted.

    `probes` is that of the approximate index by which it looks for its best, 0 where it looks at every item.
    """

    item_factors: np.ndarray
    alpha: float
    regularization: float
    frequency_exponent: float
    mean_items: float
    half_life_days: float
    probes: int = 0

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        """Fit by implicit's conjugate gradients; the result does not depend on the number of threads."""
        chosen = params.als
        extra = chosen.alpha * strengths(histories, chosen.half_life_days)
        factors = _item_factors(user_items(histories, 1 + extra), params)
        factors[np.bincount(histories.item_rows, minlength=histories.n_items) == 0] = np.nan
        sizes = np.diff(histories.indptr)
        return cls(
            item_factors=factors,
            alpha=chosen.alpha,
            regularization=chosen.regularization,
            frequency_exponent=chosen.frequency_exponent,
            mean_items=float(sizes[sizes > 0].mean()) if sizes.any() else 1.0,
            half_life_days=chosen.half_life_days,
            probes=chosen.probes if histories.n_items > (chosen.approximate_above or np.inf) else 0,
        )

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        vectors, known = self._vectors(histories, user_rows)
        out = products(Whole.of(vectors), self._whole)
        out[:, ~self._known] = np.nan
        out[~known] = np.nan
        return out

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        from nextpick.models.scored import Factored

        return Factored(*self._vectors(histories, user_rows), self._items)

    def _vectors(self, histories: Histories, user_rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """float32 (users, factors), and which of the users had a known item, bool: the others' are 0."""
        own = of_users(histories, user_rows)
        extra = self.alpha * strengths(own, self.half_life_days)
        vectors = np.zeros((len(user_rows), self.item_factors.shape[1]), np.float32)
        somebody = np.zeros(len(user_rows), bool)
        for user, (start, end) in enumerate(pairwise(own.indptr.tolist())):
            rows = own.item_rows[start:end]
            known = self._known[rows]
            if known.any():
                somebody[user] = True
                vectors[user] = self.fold_in(rows[known], extra[start:end][known])
        return vectors, somebody

    def fold_in(self, rows: np.ndarray, extra: np.ndarray) -> np.ndarray:
        """The vector, float32 (factors,), of a user with these items, all known, given c - 1 of each.

        With M = Y'Y + lambda I and U the user's few rows of Y, the solution is M^-1 U' w where
        (I + diag(c - 1) U M^-1 U') w = c: a system of as many unknowns as the user has items, where those are fewer
        than the factors. M^-1 is diagonal in the basis of the eigenvectors of Y'Y. Solved in float64.
        """
        penalty = self.regularization * (len(rows) / self.mean_items) ** self.frequency_exponent
        own, spread = self._turned[rows], self._eigenvalues + penalty
        if len(rows) < len(spread):
            weights = np.linalg.solve(np.eye(len(rows)) + extra[:, None] * ((own / spread) @ own.T), 1 + extra)
            solved = (weights @ own) / spread
        else:
            solved = np.linalg.solve(np.diag(spread) + (own.T * extra) @ own, (1 + extra) @ own)
        return (self._eigenvectors @ solved).astype(np.float32)

    @cached_property
    def _known(self) -> np.ndarray:
        return ~np.isnan(self.item_factors[:, 0])

    @cached_property
    def _whole(self) -> Whole:
        return Whole.of(np.nan_to_num(self.item_factors))

    @cached_property
    def _items(self) -> "ItemSide":
        from nextpick.models.scored import ItemSide

        return ItemSide(self.index, self._whole)

    @cached_property
    def directions(self) -> np.ndarray:
        """The item factors, each divided by its length; NaN where that is 0."""
        lengths = np.linalg.norm(self.item_factors, axis=1, keepdims=True)
        return np.divide(self.item_factors, lengths, out=np.full_like(self.item_factors, np.nan), where=lengths > 0)

    @cached_property
    def index(self) -> "Exact | Approximate":
        """What the best are looked for with."""
        return index_of(self.item_factors, self.probes)

    @cached_property
    def _eigen(self) -> tuple[np.ndarray, np.ndarray]:
        factors = np.nan_to_num(self.item_factors).astype(np.float64)
        values, vectors = np.linalg.eigh(factors.T @ factors)
        return np.maximum(values, 0.0), vectors

    @property
    def _eigenvalues(self) -> np.ndarray:
        return self._eigen[0]

    @property
    def _eigenvectors(self) -> np.ndarray:
        return self._eigen[1]

    @cached_property
    def _turned(self) -> np.ndarray:
        return np.nan_to_num(self.item_factors).astype(np.float64) @ self._eigenvectors

    def arrays(self) -> dict[str, np.ndarray]:
        numbers = {name: np.array(getattr(self, name)) for name in _NUMBERS}
        index = {"probes": np.array(self.probes)} if self.probes else {}
        return {"item_factors": self.item_factors, **numbers, **index}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        numbers = {name: float(arrays[name]) for name in _NUMBERS}
        return cls(arrays["item_factors"], **numbers, probes=int(arrays.get("probes", 0)))


_NUMBERS = ("alpha", "regularization", "frequency_exponent", "mean_items", "half_life_days")


def _item_factors(confidence: csr_matrix, params: Params) -> np.ndarray:
    """float32, (items, factors)."""
    chosen = params.als
    sides = [confidence, confidence.T.tocsr()]
    draw = np.random.default_rng(params.seed)
    factors = []
    for side in sides:
        start = draw.normal(scale=_START / chosen.factors**0.5, size=(side.shape[0], chosen.factors))
        factors.append((start * (np.diff(side.indptr) > 0)[:, None]).astype(np.float32))
    groups = [_groups(side, chosen.regularization, chosen.frequency_exponent) for side in sides]
    with threadpool_limits(1, "blas"):  # once: to ask which libraries there are takes as long as a small solution
        for this, other in ((0, 1), (1, 0)) * chosen.iterations:
            for rows, part, penalty in groups[this]:
                factors[this][rows] = implicit_engine.solved(part, factors[this][rows], factors[other], penalty)
    return factors[1]


def _groups(side: csr_matrix, regularization: float, exponent: float) -> list[tuple[np.ndarray, csr_matrix, float]]:
    """The rows that have entries, grouped by lambda, as implicit takes one for all rows of a call."""
    sizes = np.diff(side.indptr)
    had = np.flatnonzero(sizes)
    if not len(had):
        return []
    penalties = regularization * (sizes[had] / sizes[had].mean()) ** exponent
    level = np.round(np.log(penalties) / np.log(_STEP))
    groups = [had[level == one] for one in np.unique(level)]
    return [(rows, side[rows], float(np.exp(np.log(penalties[np.isin(had, rows)]).mean()))) for rows in groups]


GENERATOR = Als
