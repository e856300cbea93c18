"""Popular: the items most users took lately, the same for everybody."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from nextpick.features.histories import Histories
from nextpick.params import Params
from nextpick.schema import US_PER_DAY

if TYPE_CHECKING:
    from nextpick.models.scored import Scored


@dataclass(frozen=True)
class Popular:
    """score(item) = sum over its users of weight * 2 ** (-days since they last took it / half life); NaN without users.

    A user counts once an item however often they took it, one shop's habit being no popularity: weight is the mean of
    their interactions' kinds.
    """

    item_scores: np.ndarray

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        age_days = (histories.as_of - histories.last_at) / US_PER_DAY
        decayed = np.exp2(-age_days / params.popular.half_life_days)
        total = np.bincount(
            histories.item_rows, histories.weights / histories.counts * decayed, histories.n_items
        ).astype(np.float32)
        total[np.bincount(histories.item_rows, minlength=histories.n_items) == 0] = np.nan
        return cls(total)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        return np.tile(self.item_scores, (len(user_rows), 1))

    def scored(self, histories: Histories, user_rows: np.ndarray) -> "Scored":
        return self._same

    @cached_property
    def _same(self) -> "Scored":
        from nextpick.models.scored import Same

        return Same(self.item_scores)  # one for all users, as it sorts the catalogue once

    def arrays(self) -> dict[str, np.ndarray]:
        return {"item_scores": self.item_scores}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(arrays["item_scores"])


GENERATOR = Popular
