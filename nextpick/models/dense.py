"""The scores of some users for every item."""

from dataclasses import dataclass

import numpy as np

from nextpick.models.topn import Barred, best


@dataclass(frozen=True)
class Dense:
    """A score, or NaN, for every item: float32, (users, items)."""

    scores: np.ndarray

    def best(self, n: int, barred: Barred) -> tuple[np.ndarray, np.ndarray]:
        allowed = self.scores.copy()
        allowed[np.repeat(np.arange(len(allowed)), np.diff(barred.indptr)), barred.item_rows] = np.nan
        return best(allowed, n)[:2]

    def of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        return np.asarray(self.scores[users, items])
