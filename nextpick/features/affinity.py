"""The affinity families: how near an item is to what this user takes, by its category and by what others did."""

import numpy as np

from nextpick.features.histories import Histories
from nextpick.features.items import ItemTable
from nextpick.schema import US_PER_DAY

CATEGORY_FEATURES = (
    "category_share",  # of the user's items, those of this item's finest category; NaN where it has none
    "category_idle_days",  # since the user last took one of them; NaN where never
)
SIMILAR_FEATURES = (
    "similar_max",  # the highest cosine to one of the user's LAST_ITEMS latest items, itself apart; NaN where none
    "similar_mean",  # the mean of these cosines
)
LAST_ITEMS = 5
_AT_ONCE = 512  # pairs x LAST_ITEMS vectors in the cache


def category_features(
    own: Histories, local: np.ndarray, item_rows: np.ndarray, table: ItemTable
) -> dict[str, np.ndarray]:
    """One value a pair, float64: item_rows[j] with the user in row local[j] of `own`."""
    codes = table.category_codes
    mine, width = codes[own.item_rows], len(codes) + 1
    known = mine >= 0
    keys, entry, taken = np.unique(own.user_rows[known] * width + mine[known], return_inverse=True, return_counts=True)
    last = np.zeros(len(keys), np.int64)
    np.maximum.at(last, entry, own.last_at[known])
    asked = codes[item_rows]
    at = np.searchsorted(keys, local * width + asked)
    has = (asked >= 0) & (np.append(keys, -1)[at] == local * width + asked)
    share, idle = np.where(asked >= 0, 0.0, np.nan), np.full(len(asked), np.nan)
    share[has] = taken[at[has]] / np.diff(own.indptr)[local[has]]
    idle[has] = (own.as_of - last[at[has]]) / US_PER_DAY
    return {"category_share": share, "category_idle_days": idle}


def similar_features(
    own: Histories, local: np.ndarray, item_rows: np.ndarray, vectors: np.ndarray
) -> dict[str, np.ndarray]:
    """One value a pair, float64. `vectors` (float32, (items, factors)) have length 1; NaN is an item nobody knew."""
    latest = _latest(own)
    others, alike = latest[local], cosines(latest, local, item_rows, vectors).astype(np.float64)
    known = ~np.isnan(alike) & (others >= 0) & (others != item_rows[:, None])
    n = known.sum(axis=1)
    highest = np.where(known, alike, -np.inf).max(axis=1)
    total = np.where(known, alike, 0.0).sum(axis=1)
    return {
        "similar_max": np.where(n > 0, highest, np.nan),
        "similar_mean": np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0),
    }


def cosines(latest: np.ndarray, local: np.ndarray, item_rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Of each pair's item and its user's latest, float32 (n, LAST_ITEMS); some number where there is none of these."""
    out = np.empty((len(local), LAST_ITEMS), np.float32)
    one = vectors[latest[0]] if len(latest) == 1 else None  # of one user: nothing to fetch again and again
    for at in range(0, len(local), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        items = vectors[item_rows[part]]
        others = vectors[latest[local[part]]] if one is None else np.broadcast_to(one, (len(items), *one.shape))
        # einsum adds up each pair by itself: no bit of it depends on which others are asked about.
        out[part] = np.einsum("ij,ikj->ik", items, others)
    return out


def _latest(own: Histories) -> np.ndarray:
    """Each user's LAST_ITEMS items taken last, -1 where there are fewer: int64, (users, LAST_ITEMS); ties to the
    lower row."""
    user = own.user_rows
    order = np.lexsort((own.item_rows, -own.last_at, user))
    place = np.arange(len(order)) - own.indptr[user]
    kept = place < LAST_ITEMS
    out = np.full((len(own), LAST_ITEMS), -1, np.int64)
    out[user[kept], place[kept]] = own.item_rows[order[kept]]
    return out
