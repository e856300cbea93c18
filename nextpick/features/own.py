"""The own family: what this user did with this very item, and when it may be time again."""

from collections.abc import Mapping

import numpy as np

from nextpick.features.histories import Histories, find
from nextpick.features.items import ItemTable
from nextpick.features.user import own_days
from nextpick.schema import US_PER_DAY

OWN_FEATURES = (
    "own_count",  # interactions of this user with this item; 0 where none, as the next; NaN where none below
    "own_pull",  # weight * 2 ** (-own_idle_days / HALF_LIFE_DAYS)
    "own_place",  # of the item among the user's own by pull, from 0
    "own_pull_now",  # own_pull + POPULARITY_WORTH * the item's popularity of the last 7 days over the highest one's
    "own_place_now",  # of the item among the user's own by own_pull_now
    "own_share",  # of all the user's interactions
    "own_per_day",  # own_count / user_days
    "own_idle_days",  # since the last
    "own_behind_days",  # from the last with this item to the user's last with any
    "own_skipped_days",  # the user's days since that went without it
    "own_interval_days",  # mean time between two; NaN below two
    "own_due",  # own_idle_days / own_interval_days: above 1 the user is late
    "own_log_price_gap",  # log price less the user's mean
)
HALF_LIFE_DAYS = 120.0  # of a pull
POPULARITY_WORTH = 2.0  # of the most popular item: so many purchases


def own_features(
    own: Histories, local: np.ndarray, item_rows: np.ndarray, table: ItemTable, user: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """One value a pair, float64: item_rows[j] with the user in row local[j] of `own`; `user` has the user's features
    of each pair."""
    entry = find(own, local, item_rows)
    has = entry >= 0
    at = entry[has]
    pull = pulls(own, HALF_LIFE_DAYS)
    count = spread(has, own.counts[at], 0.0)
    idle = spread(has, (own.as_of - own.last_at[at]) / US_PER_DAY)
    span = spread(has, (own.last_at[at] - own.first_at[at]) / US_PER_DAY)
    interval = np.divide(span, count - 1, out=np.full(len(count), np.nan), where=count > 1)
    missing = np.where(has, 1.0, np.nan)
    own_pull = spread(has, pull[at], 0.0)
    return {
        "own_count": count,
        "own_pull": own_pull,
        "own_place": spread(has, places(own, pull)[at]),
        "own_pull_now": own_pull + POPULARITY_WORTH * table.week_shares[item_rows],
        "own_place_now": spread(has, places(own, pull + POPULARITY_WORTH * table.week_shares[own.item_rows])[at]),
        "own_share": missing * count / user["user_interactions"],
        "own_per_day": missing * count / user["user_days"],
        "own_idle_days": idle,
        "own_behind_days": idle - user["user_idle_days"],
        "own_skipped_days": spread(has, _skipped(own)[at]),
        "own_interval_days": interval,
        "own_due": np.divide(idle, interval, out=np.full(len(idle), np.nan), where=interval > 0),
        "own_log_price_gap": table.log_prices[item_rows] - user["user_log_price"],
    }


def spread(has: np.ndarray, values: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """`values`, one for each True of `has`, spread over all of it as float64."""
    out = np.full(len(has), otherwise)
    out[has] = values
    return out


def pulls(own: Histories, half_life_days: float) -> np.ndarray:
    """Each entry's weight, halved every `half_life_days` since its last: float64 (entries,)."""
    return np.asarray(own.weights * np.exp2((own.last_at - own.as_of) / (half_life_days * US_PER_DAY)))


def places(own: Histories, pull: np.ndarray) -> np.ndarray:
    """Each entry's place among its user's by pull, ties to the lower item row."""
    user = own.user_rows
    order = np.lexsort((-pull, user))  # stable
    place = np.empty(len(order))
    place[order] = np.arange(len(order)) - own.indptr[user]  # user is ascending, so user[order] is user
    return place


def _skipped(own: Histories) -> np.ndarray:
    """For each entry, how many of its user's days lie after its last."""
    users, days = own_days(own)
    width = int(days.max(initial=0)) + 1
    until = np.searchsorted(users * width + days, own.user_rows * width + own.last_at // US_PER_DAY, side="right")
    return np.searchsorted(users, own.user_rows, side="right") - until
