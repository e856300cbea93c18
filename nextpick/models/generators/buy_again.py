"""Buy again: the user's own items, the often and lately taken first."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from nextpick.features.histories import Histories, of_users
from nextpick.params import Params
from nextpick.schema import US_PER_DAY


@dataclass(frozen=True)
class BuyAgain:
    """score(user, item) = weight * 2 ** (-days since the user last took it / half life); NaN for everything else."""

    half_life_days: float

    @classmethod
    def fit(cls, histories: Histories, params: Params) -> Self:
        return cls(params.buy_again.half_life_days)

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        own = of_users(histories, user_rows)
        age_days = (own.as_of - own.last_at) / US_PER_DAY
        out = np.full((len(user_rows), own.n_items), np.nan, np.float32)
        out[own.user_rows, own.item_rows] = own.weights * np.exp2(-age_days / self.half_life_days)
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        return {"half_life_days": np.array(self.half_life_days)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> Self:
        return cls(float(arrays["half_life_days"]))


GENERATOR = BuyAgain
