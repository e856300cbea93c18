"""Item-kNN: items whose users are much the same are alike.

similarity: cosine
    sim(i, j) = r_i . r_j / (|r_i| |r_j| + shrink), where r_i are the strengths of item i over its users.
    Sarwar, Karypis, Konstan, Riedl, *Item-based Collaborative Filtering Recommendation Algorithms* (WWW 2001).
similarity: bm25
    sim(i, j) = b_i . b_j, where b weighs a strength s of user u as BM25 weighs a word's count in a document:
    idf(u) s (k1 + 1) / (s + k1 (1 - b + b length(i) / mean length)), a user of few items saying more of each.
    Robertson, Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond* (2009).
The score of an item is the sum of its similarities to the user's own, each times its strength.
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

_K1, _B = 1.2, 0.75  # the usual ones


@dataclass(frozen=True)
class ItemKnn:
    """Each item's nearest params.item_knn.neighbours."""

    near: Neighbours
    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        chosen = params.item_knn
        taken = user_items(histories, strengths(histories, chosen.half_life_days))
        weighed = _bm25(taken) if chosen.similarity == "bm25" else taken
        lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=0)).ravel())

        def weighing(products: np.ndarray, items: np.ndarray, others: np.ndarray) -> np.ndarray:
            if chosen.similarity == "bm25":
                return products
            scale = lengths[items] * lengths[others] + chosen.shrink
            return np.divide(products, scale, out=np.zeros_like(scale), where=scale > 0)  # 0: all of it is too long ago

        near = Neighbours.nearest(weighed.T.tocsr(), weighed, chosen.neighbours, weighing)
        return cls(near, chosen.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        return self.near.scores(some_user_items(histories, user_rows, self.half_life_days))

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        return self.near.scored(some_user_items(histories, user_rows, self.half_life_days))

    def arrays(self) -> dict[str, np.ndarray]:
        return {**self.near.arrays("item_knn"), "half_life_days": np.array(self.half_life_days)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(Neighbours.from_arrays("item_knn", arrays), float(arrays["half_life_days"]))


def _bm25(taken: csr_matrix) -> csr_matrix:
    """taken is users x items: an item is the document, its users are the words."""
    lengths = np.asarray(taken.sum(axis=0), np.float64).ravel()
    mean = float(lengths.sum()) / max(int(np.count_nonzero(lengths)), 1) or 1.0
    has = np.diff(taken.indptr)
    idf = np.log1p((np.count_nonzero(lengths) - has + 0.5) / (has + 0.5))
    norms = _K1 * (1 - _B + _B * lengths / mean)
    strength = taken.data.astype(np.float64)
    values = np.repeat(idf, has) * strength * (_K1 + 1) / (strength + norms[taken.indices])
    return csr_matrix((values.astype(np.float32), taken.indices, taken.indptr), shape=taken.shape)


GENERATOR = ItemKnn
