"""user_items: histories as one sparse matrix, users x items, in which what is long ago says less."""

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.features.histories import Histories, of_users
from nextpick.schema import US_PER_DAY


def strengths(histories: Histories, half_life_days: float) -> np.ndarray:
    """weight * 2 ** (-days since the entry's last interaction / half life), float64, one an entry."""
    age_days = (histories.as_of - histories.last_at) / US_PER_DAY
    return histories.weights * np.exp2(-age_days / half_life_days)


def user_items(histories: Histories, values: np.ndarray) -> csr_matrix:
    """float32 CSR, (len(histories), histories.n_items), with one value an entry."""
    shape = (len(histories), histories.n_items)
    return csr_matrix((values.astype(np.float32), histories.item_rows, histories.indptr), shape=shape)


def some_user_items(histories: Histories, user_rows: np.ndarray, half_life_days: float) -> csr_matrix:
    """The strengths of some users, as rows 0 .. len(user_rows) - 1 of user_items."""
    own = of_users(histories, user_rows)
    return user_items(own, strengths(own, half_life_days))
