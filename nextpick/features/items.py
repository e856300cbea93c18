"""The item table: what is known of each item as of a moment; windows count back from it, never from the clock."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.idmap import IdMap
from nextpick.schema import CATEGORIES, ITEM_ID, OCCURRED_AT, PRICE, PUBLISHED_AT, TITLE, US_PER_DAY, USER_ID

ITEM_FEATURES = (
    "popularity_7d",  # interactions
    "popularity_28d",
    "trend",  # log of the last 7 days' daily rate over the last 28 days'
    "buyers_28d",  # distinct users
    "first_buyers_7d",  # users who took it for the first time
    "first_buyers_28d",
    "rebuy_share",  # of the users who took it so far, those who took it more than once; NaN where nobody did
    "rebuy_share_28d",  # (1 + those of them who took it again) / (20 + users who had it 28 days ago)
    "times_per_buyer",  # interactions / users who took it so far; NaN where nobody did
    "idle_days",  # since anybody took it; NaN where nobody did
    "age_days",  # since it was published or first taken; NaN where neither is known
    "price",  # NaN where unknown
)


@dataclass(frozen=True)
class ItemTable:
    """Row i tells of item i: features (float32, (items, len(ITEM_FEATURES))), titles, categories, prices (float64)."""

    features: np.ndarray
    titles: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    prices: np.ndarray

    @cached_property
    def by_item(self) -> np.ndarray:
        """`features` with each item's side by side in memory."""
        return np.ascontiguousarray(self.features, np.float32)

    @cached_property
    def week_shares(self) -> np.ndarray:
        """Each item's popularity of the last 7 days over that of the most popular one: float64 (items,)."""
        week = self.features[:, ITEM_FEATURES.index("popularity_7d")].astype(np.float64)
        return np.asarray(week / np.max(week, initial=1.0))

    @cached_property
    def log_prices(self) -> np.ndarray:
        """float64 (items,), NaN where there is no price above 0."""
        return np.log(self.prices, out=np.full(len(self.prices), np.nan), where=self.prices > 0)

    @cached_property
    def category_codes(self) -> np.ndarray:
        """A number for each item's last, which is its finest, category: int64 (items,), -1 where it has none."""
        return pd.factorize(np.array([c[-1] if c else None for c in self.categories], object))[0]


def item_table(interactions: pd.DataFrame, catalogue: pd.DataFrame, items: IdMap, as_of: int) -> ItemTable:
    """What was known of `items` at `as_of` (microseconds).

    `interactions` are those that count (EVENT_COLUMNS); of those at `as_of` or later, and of other items, nothing is
    used. `catalogue` has ITEM_COLUMNS; an item it lacks has its id for a title, no category and no price.
    """
    at = microseconds(interactions[OCCURRED_AT])
    rows = items.rows(interactions[ITEM_ID])
    kept = (at < as_of) & (rows >= 0)
    at, rows = at[kept], rows[kept]
    users = pd.factorize(interactions[USER_ID].to_numpy()[kept])[0]
    known = catalogue.drop_duplicates(ITEM_ID).set_index(ITEM_ID).reindex(list(items.ids))
    prices = known[PRICE].to_numpy(np.float64)
    columns = {**_popularity(rows, users, at, len(items), as_of), **_ages(rows, at, known, as_of), "price": prices}
    return ItemTable(
        features=np.stack([columns[name] for name in ITEM_FEATURES], axis=1).astype(np.float32),
        titles=tuple(_title(title, id_) for title, id_ in zip(known[TITLE], items.ids, strict=True)),
        categories=tuple(tuple(c) if np.iterable(c) else () for c in known[CATEGORIES]),
        prices=prices,
    )


def popularity_order(table: ItemTable) -> tuple[np.ndarray, np.ndarray]:
    """Item rows by popularity of the last 7 days, then of the last 28, then by row; and each item's week rank or -1."""
    week = table.features[:, ITEM_FEATURES.index("popularity_7d")]
    month = table.features[:, ITEM_FEATURES.index("popularity_28d")]
    order = np.lexsort((np.arange(len(week)), -month, -week)).astype(np.int32)
    ranks = np.full(len(week), -1, np.int32)
    taken = order[week[order] > 0]
    ranks[taken] = np.arange(len(taken))
    return order, ranks


def _popularity(rows: np.ndarray, users: np.ndarray, at: np.ndarray, n: int, as_of: int) -> dict[str, np.ndarray]:
    ago_7d, ago_28d = (as_of - days * US_PER_DAY for days in (7, 28))
    in_week, in_month = (np.bincount(rows[at >= ago], minlength=n) for ago in (ago_7d, ago_28d))
    pairs, pair, times = np.unique(users * n + rows, return_inverse=True, return_counts=True)
    item = pairs % n
    first, last = np.full(len(pairs), as_of), np.zeros(len(pairs), np.int64)
    np.minimum.at(first, pair, at)
    np.maximum.at(last, pair, at)

    def count(which: np.ndarray) -> np.ndarray:
        return np.bincount(item[which], minlength=n)

    takers = np.bincount(item, minlength=n)
    had, some = first < ago_28d, takers > 0
    return {
        "popularity_7d": in_week,
        "popularity_28d": in_month,
        "trend": np.log((1 + in_week) / 7) - np.log((1 + in_month) / 28),
        "buyers_28d": count(last >= ago_28d),
        "first_buyers_7d": count(first >= ago_7d),
        "first_buyers_28d": count(~had),
        "rebuy_share": np.divide(count(times > 1), takers, out=np.full(n, np.nan), where=some),
        "rebuy_share_28d": (1 + count(had & (last >= ago_28d))) / (20 + count(had)),
        "times_per_buyer": np.divide(np.bincount(rows, minlength=n), takers, out=np.full(n, np.nan), where=some),
    }


def _ages(rows: np.ndarray, at: np.ndarray, known: pd.DataFrame, as_of: int) -> dict[str, np.ndarray]:
    first, last = np.full(len(known), np.iinfo(np.int64).max), np.full(len(known), np.iinfo(np.int64).min)
    np.minimum.at(first, rows, at)
    np.maximum.at(last, rows, at)
    published = microseconds(known[PUBLISHED_AT])
    seen = (published != np.iinfo(np.int64).min) & (published < as_of)  # not published yet: not known yet
    born = np.where(seen, np.minimum(published, first), first)
    taken = last != np.iinfo(np.int64).min
    return {
        "idle_days": np.where(taken, (as_of - last) / US_PER_DAY, np.nan),
        "age_days": np.where(taken | seen, (as_of - born) / US_PER_DAY, np.nan),
    }


def _title(title: object, id_: str) -> str:
    return title if isinstance(title, str) and title else id_
