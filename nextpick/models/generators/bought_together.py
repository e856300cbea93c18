"""Bought together: items that are taken in the same basket or session as the user's latest.

A user's interactions no more than gap_hours apart are one session. Of each user and item the first and the last
interaction are looked at, which is what a history keeps: all of those who took an item once or twice.

    w(i, j) = sessions with both / (sqrt(sessions with i * sessions with j) + shrink)
    score(user, j) = sum over the user's items i of weight * 2 ** (-days since they last took i / half life) * w(i, j)

where weight is the mean of the interactions' kinds. A short half life asks what goes with the basket at hand. Cosine
with a shrunk denominator, as item-to-item collaborative filtering has it: Linden, Smith, York, *Amazon.com
Recommendations* (IEEE Internet Computing 2003).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.features.histories import Histories, of_users
from nextpick.features.user_items import user_items
from nextpick.models.neighbours import Neighbours
from nextpick.params import Params
from nextpick.schema import US_PER_DAY

if TYPE_CHECKING:
    from nextpick.models.scored import Scored


@dataclass(frozen=True)
class BoughtTogether:
    """Each item's nearest params.bought_together.neighbours."""

    near: Neighbours
    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        chosen = params.bought_together
        sessions = session_items(histories, chosen.gap_hours)
        sizes = np.sqrt(sessions.getnnz(axis=0))

        def weighing(products: np.ndarray, items: np.ndarray, others: np.ndarray) -> np.ndarray:
            return products / (sizes[items] * sizes[others] + chosen.shrink)

        near = Neighbours.nearest(sessions.T.tocsr(), sessions, chosen.neighbours, weighing)
        return cls(near, chosen.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        return self.near.scores(self._lately(histories, user_rows))

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        return self.near.scored(self._lately(histories, user_rows))

    def _lately(self, histories: Histories, user_rows: np.ndarray) -> csr_matrix:
        own = of_users(histories, user_rows)
        age_days = (own.as_of - own.last_at) / US_PER_DAY
        return user_items(own, own.weights / own.counts * np.exp2(-age_days / self.half_life_days))

    def arrays(self) -> dict[str, np.ndarray]:
        return {**self.near.arrays("bought_together"), "half_life_days": np.array(self.half_life_days)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(Neighbours.from_arrays("bought_together", arrays), float(arrays["half_life_days"]))


def session_items(histories: Histories, gap_hours: float) -> csr_matrix:
    """Which items each session has: float32 CSR of ones, (sessions, items), sessions by user and time."""
    users = np.concatenate([histories.user_rows, histories.user_rows])
    items = np.concatenate([histories.item_rows, histories.item_rows])
    at = np.concatenate([histories.first_at, histories.last_at])
    order = np.lexsort((at, users))
    users, items, at = users[order], items[order], at[order]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(users) != 0) | (np.diff(at) > gap_hours * US_PER_DAY / 24)
    session = np.cumsum(new) - 1
    shape = (int(session[-1]) + 1 if len(session) else 0, histories.n_items)
    sessions = csr_matrix((np.ones(len(order), np.float32), (session, items)), shape=shape)
    sessions.data[:] = 1
    return sessions


GENERATOR = BoughtTogether
