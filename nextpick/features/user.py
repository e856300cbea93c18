"""The user family: what a history says of the one whose it is, whatever item is asked about."""

import numpy as np

from nextpick.features.histories import Histories
from nextpick.schema import US_PER_DAY

USER_FEATURES = (
    "user_items",  # distinct items in the history
    "user_interactions",
    "user_days",  # distinct days (UTC) on which an item was taken for the first or the last time
    "user_items_per_interaction",  # 1 where the user never takes anything twice
    "user_interactions_per_day",  # user_interactions / user_days: the basket
    "user_last_items",  # distinct items taken on the last day, and the share of them taken for the first time
    "user_last_new_share",
    "user_idle_days",  # since the last interaction
    "user_due",  # user_idle_days / (1 + mean days between two of the user's days): high where the user is late
    "user_tenure_days",  # since the first
    "user_log_price",  # mean log price of the distinct items with a price
)


def user_features(own: Histories, log_prices: np.ndarray, as_of: int) -> dict[str, np.ndarray]:
    """One value a user, float64; NaN where nobody knows, as for all times of a user without a history.

    `log_prices` (float64, NaN where there is none) are the catalogue's. bincount adds in order, so that a sum does not
    depend on who else is there.
    """
    n, user = len(own), own.user_rows
    last, first = np.full(n, np.nan), np.full(n, np.nan)
    np.fmax.at(last, user, own.last_at)
    np.fmin.at(first, user, own.first_at)
    items, interactions, days = np.diff(own.indptr).astype(np.float64), np.bincount(user, own.counts, n), _days(own)
    late = own.last_at // US_PER_DAY == last[user] // US_PER_DAY
    new = own.first_at // US_PER_DAY == last[user] // US_PER_DAY
    on_last = np.bincount(user[late], minlength=n).astype(np.float64)
    idle, tenure = (as_of - last) / US_PER_DAY, (as_of - first) / US_PER_DAY
    return {
        "user_items": items,
        "user_interactions": interactions,
        "user_days": days,
        "user_items_per_interaction": _over(items, interactions),
        "user_interactions_per_day": _over(interactions, days),
        "user_last_items": on_last,
        "user_last_new_share": _over(np.bincount(user[new], minlength=n), on_last),
        "user_idle_days": idle,
        "user_due": idle / (1 + (tenure - idle) / np.maximum(days - 1, 1)),
        "user_tenure_days": tenure,
        "user_log_price": _log_price(own, log_prices),
    }


def _days(own: Histories) -> np.ndarray:
    return np.bincount(own_days(own)[0], minlength=len(own)).astype(np.float64)


def own_days(own: Histories) -> tuple[np.ndarray, np.ndarray]:
    """The days of user_days: users (int64, ascending) and days since 1970 (int64, ascending within a user)."""
    users = np.concatenate([own.user_rows, own.user_rows])
    days = np.concatenate([own.first_at, own.last_at]) // US_PER_DAY
    width = int(days.max(initial=0)) + 1
    distinct = np.unique(users * width + days)
    return distinct // width, distinct % width


def _log_price(own: Histories, log_prices: np.ndarray) -> np.ndarray:
    price, n = log_prices[own.item_rows], len(own)
    priced = ~np.isnan(price)
    user = own.user_rows[priced]
    return _over(np.bincount(user, price[priced], n), np.bincount(user, minlength=n))


def _over(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
