"""The ranker's input: one pure function for training, precompute and serving.

Families, in order: each generator's score and rank; the item; the user; the user and this item. Every family is a
function from arrays to named columns, and costs what the candidates and their users' histories cost: nothing here
grows with the catalogue or with the number of users.

A list keeps the generators' scores and ranks as they were at its release's cutoff; what a user has done since reaches
the ranker by the other families, from the history at hand. A generator that only reads the user's own history would
tell the ranker the same thing, a day old, so it proposes candidates and has no features.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextpick.features.histories import Histories, find, of_users
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.schema import US_PER_DAY

USER_FEATURES = (
    "user_items",  # distinct items in the history
    "user_interactions",
    "user_days",  # distinct days (UTC) on which an item was taken for the first or the last time
    "user_idle_days",  # since the last interaction
    "user_tenure_days",  # since the first
    "user_log_price",  # mean log price of the distinct items with a price
)
OWN_FEATURES = (
    "own_count",  # interactions of this user with this item; 0 where none, as the next; NaN where none below
    "own_pull",  # weight * 2 ** (-own_idle_days / HALF_LIFE_DAYS)
    "own_place",  # of the item among the user's own by pull, from 0
    "own_share",  # of all the user's interactions
    "own_per_day",  # own_count / user_days
    "own_idle_days",  # since the last
    "own_behind_days",  # from the last with this item to the user's last with any
    "own_interval_days",  # mean time between two; NaN below two
    "own_due",  # own_idle_days / own_interval_days: above 1 the user is late
    "own_log_price_gap",  # log price less the user's mean
)
HALF_LIFE_DAYS = 60.0  # of a pull
OWN_HISTORY_ONLY = frozenset({"buy_again"})  # generators without features


@dataclass(frozen=True)
class Pool:
    """Candidates, ordered by user: row j offers item_rows[j] to user_rows[j] (int32 both).

    scores (float32) and ranks (int16) are (n, len(generators)): what each generator gives the item, NaN where it has
    no opinion, and the item's place from 0 among its candidates for the user, -1 where it is not one of them.
    """

    user_rows: np.ndarray
    item_rows: np.ndarray
    scores: np.ndarray
    ranks: np.ndarray
    generators: tuple[str, ...]


def feature_names(generators: Sequence[str]) -> tuple[str, ...]:
    """The names, in order, of every feature this code computes for candidates of these generators."""
    with_features = [name for name in generators if name not in OWN_HISTORY_ONLY]
    proposed = tuple(f"{name}_{what}" for name in with_features for what in ("score", "rank"))
    return proposed + tuple(f"item_{name}" for name in ITEM_FEATURES) + USER_FEATURES + OWN_FEATURES


def pair_features(
    pool: Pool, histories: Histories, table: ItemTable, as_of: int, features: Sequence[str] | None = None
) -> np.ndarray:
    """The ranker's input: float32, C order, (len(pool.item_rows), len(features)), rows in the pool's order.

    `histories` has a row for each of pool.user_rows and, like `table`, knows nothing of `as_of` (microseconds) or
    later. `features` is by default all of `feature_names(pool.generators)`. A user's rows are the same to the bit
    whoever else is in the pool. Unknown is NaN. Raises: KeyError for a feature this code does not know.
    """
    wanted = feature_names(pool.generators) if features is None else features
    users, local = np.unique(pool.user_rows, return_inverse=True)
    own = of_users(histories, users)
    columns = _generated(pool)
    columns |= {f"item_{name}": table.features[pool.item_rows, i] for i, name in enumerate(ITEM_FEATURES)}
    per_user = _user(own, table.prices, as_of)
    columns |= {name: values[local] for name, values in per_user.items()}
    columns |= _own(own, local, pool.item_rows, columns, as_of)
    out = np.empty((len(pool.item_rows), len(wanted)), np.float32)
    for i, name in enumerate(wanted):
        out[:, i] = columns[name]
    return out


def _generated(pool: Pool) -> dict[str, np.ndarray]:
    columns = {}
    for i, name in enumerate(pool.generators):
        columns[f"{name}_score"] = pool.scores[:, i]
        columns[f"{name}_rank"] = np.where(pool.ranks[:, i] >= 0, pool.ranks[:, i], np.nan)
    return columns


def _user(own: Histories, prices: np.ndarray, as_of: int) -> dict[str, np.ndarray]:
    """One value a user, float64. bincount adds in order, so that a sum does not depend on who else is there."""
    n, user = len(own), own.user_rows
    last, first = np.full(n, np.nan), np.full(n, np.nan)
    np.fmax.at(last, user, own.last_at)
    np.fmin.at(first, user, own.first_at)
    days = np.concatenate([own.first_at, own.last_at]) // US_PER_DAY
    distinct = np.unique(np.concatenate([user, user]) * (as_of // US_PER_DAY + 1) + days)
    price = prices[own.item_rows]
    priced = price > 0
    with np.errstate(divide="ignore", invalid="ignore"):  # nobody's mean is NaN
        log_price = np.bincount(user[priced], np.log(price[priced]), n) / np.bincount(user[priced], minlength=n)
    return {
        "user_items": np.diff(own.indptr).astype(np.float64),
        "user_interactions": np.bincount(user, own.counts, n),
        "user_days": np.bincount(distinct // (as_of // US_PER_DAY + 1), minlength=n).astype(np.float64),
        "user_idle_days": (as_of - last) / US_PER_DAY,
        "user_tenure_days": (as_of - first) / US_PER_DAY,
        "user_log_price": log_price,
    }


def _own(
    own: Histories, local: np.ndarray, item_rows: np.ndarray, columns: dict[str, np.ndarray], as_of: int
) -> dict[str, np.ndarray]:
    entry = find(own, local, item_rows)
    has = entry >= 0
    at = entry[has]
    pull, place = _pulls(own, as_of)
    count = _at(has, own.counts[at], 0.0)
    idle = _at(has, (as_of - own.last_at[at]) / US_PER_DAY)
    span = _at(has, (own.last_at[at] - own.first_at[at]) / US_PER_DAY)
    interval = np.divide(span, count - 1, out=np.full(len(count), np.nan), where=count > 1)
    price = columns["item_price"].astype(np.float64)
    log_price = np.log(price, out=np.full(len(price), np.nan), where=price > 0)
    missing = np.where(has, 1.0, np.nan)
    return {
        "own_count": count,
        "own_pull": _at(has, pull[at], 0.0),
        "own_place": _at(has, place[at]),
        "own_share": missing * count / columns["user_interactions"],
        "own_per_day": missing * count / columns["user_days"],
        "own_idle_days": idle,
        "own_behind_days": idle - columns["user_idle_days"],
        "own_interval_days": interval,
        "own_due": np.divide(idle, interval, out=np.full(len(idle), np.nan), where=interval > 0),
        "own_log_price_gap": log_price - columns["user_log_price"],
    }


def _pulls(own: Histories, as_of: int) -> tuple[np.ndarray, np.ndarray]:
    """Each entry's pull, and its place among its user's by pull, ties to the lower item row."""
    pull = own.weights * np.exp2((own.last_at - as_of) / (HALF_LIFE_DAYS * US_PER_DAY))
    user = own.user_rows
    order = np.lexsort((-pull, user))  # stable
    place = np.empty(len(order))
    place[order] = np.arange(len(order)) - own.indptr[user]  # user is ascending, so user[order] is user
    return pull, place


def _at(has: np.ndarray, values: np.ndarray, otherwise: float = np.nan) -> np.ndarray:
    """`values`, one for each True of `has`, spread over all of it as float64."""
    out = np.full(len(has), otherwise)
    out[has] = values
    return out
