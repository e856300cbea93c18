"""Drift, planted into a day of a shop's trade. Each gives the day anew, and the columns any of which must alarm."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.yardstick.offers import FEATURES, LIST, NAMES, THIRD, Served
from benchmarks.yardstick.trade import NOBODY, Lines, Trade

Planted = tuple[Lines, Served, set[str]]
Plant = Callable[[np.random.Generator, Trade, int], Planted]


def popularity_doubled(_: np.random.Generator, trade: Trade, day: int) -> Planted:
    """Each line's item gives way to one twice as popular, as far as there is any."""
    lines, chance = trade.lines[day], trade.popularity[day]
    order = np.argsort(chance)
    twice = np.searchsorted(chance[order], 2 * chance[lines.item]).clip(max=len(order) - 1)
    return replace(lines, item=order[twice]), trade.served[day], {"item_popularity_log"}


def category_lost(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """One category, neither the largest nor among the smallest, is no longer sold."""
    lines, lost = trade.lines[day], rng.integers(1, len(trade.items.edges) // 2)
    return lines[trade.items.category[lines.item] != lost], trade.served[day], {"category"}


def feature_dead(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """A feature has the same value for all."""
    feature, served = int(rng.integers(FEATURES)), trade.served[day]
    features = served.features.copy()
    features[..., feature] = 0.0
    return trade.lines[day], replace(served, features=features), {f"served_{NAMES[feature]}"}


def nulls_doubled(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """A feature that lacks some values lacks twice as many: .06 to .4 of them."""
    feature, served = int(rng.integers(2 * THIRD, FEATURES)), trade.served[day]
    features = served.features.copy()
    there = np.flatnonzero(~np.isnan(features[..., feature]))
    gone = rng.choice(there, min(len(there), features[..., feature].size - len(there)), replace=False)
    features.reshape(-1, FEATURES)[gone, feature] = np.nan
    return trade.lines[day], replace(served, features=features), {f"served_{NAMES[feature]}"}


def unknown_ids(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """Three lines in a hundred name an item that no catalogue holds."""
    lines = trade.lines[day]
    return (
        replace(lines, item=np.where(rng.random(len(lines.item)) < 0.03, -1, lines.item)),
        trade.served[day],
        {"unknown_items"},
    )


def events_late(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """The baskets of a third of the users come in six hours late."""
    lines = trade.lines[day]
    late = lines.late_seconds + np.where(_some(rng, lines.user, 1 / 3), 21_600, 0)
    return replace(lines, late_seconds=late), trade.served[day], {"lateness_log"}


def prices_up(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """Of the lines with cheaper items, half give way to one among the dearest third, by popularity."""
    lines, price = trade.lines[day], np.nan_to_num(trade.items.price)
    chance = np.where(price > np.quantile(price, 2 / 3), trade.popularity[day], 0.0)
    dearer = rng.choice(len(chance), len(lines.item), p=chance / chance.sum())
    change = (price[lines.item] < np.median(price)) & (rng.random(len(lines.item)) < 0.5)
    return replace(lines, item=np.where(change, dearer, lines.item)), trade.served[day], {"price_log"}


def volume_halved(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """The events of half the users get lost."""
    lines = trade.lines[day]
    return lines[_some(rng, lines.user, 0.5)], trade.served[day], {"interactions", "active_users"}


def new_users_flood(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """Every third user of old is somebody new."""
    lines = trade.lines[day]
    other = (lines.user < trade.users) & _some(rng, lines.user, 1 / 3)
    return (
        replace(lines, user=np.where(other, NOBODY + 10**6 * day + lines.user, lines.user)),
        trade.served[day],
        {"new_user"},
    )


def coverage_halved(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """The lists show no more than half of what they showed: for what was shown least comes what was shown more."""
    served = trade.served[day]
    shown, times = np.unique(served.items, return_counts=True)
    kept = shown[np.argsort(-times, kind="stable")][: len(shown) // 2]
    items = served.items.copy()
    for place in range(LIST):
        gone = np.flatnonzero(~np.isin(items[:, place], kept))
        others = rng.choice(kept, (len(gone), 2 * LIST))  # some of them stand in the list already
        there = (others[:, :, None] == items[gone][:, None, :]).any(axis=2)
        items[gone, place] = others[np.arange(len(gone)), there.argmin(axis=1)]
    return trade.lines[day], replace(served, items=items), {"list_coverage"}


def answers_taken_halved(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """Of the users who took something that was shown every other one, by chance, took it elsewhere."""
    served = trade.served[day]
    followed = served.followed & ~_some(rng, served.users, 0.5)[:, None]
    return trade.lines[day], replace(served, followed=followed), {"answers_taken"}


def feature_skewed(rng: np.random.Generator, trade: Trade, day: int) -> Planted:
    """One answer in ten has a feature that training would compute otherwise."""
    served = trade.served[day]
    raced = served.raced | (rng.random(len(served.raced)) < 0.1)
    return trade.lines[day], replace(served, raced=raced), {"served_features"}


def _some(rng: np.random.Generator, users: np.ndarray, share: float) -> np.ndarray:
    """The lines of such a share of the users."""
    who, which = np.unique(users, return_inverse=True)
    return (rng.random(len(who)) < share)[which]


DRIFTS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        popularity_doubled,
        category_lost,
        feature_dead,
        nulls_doubled,
        unknown_ids,
        events_late,
        prices_up,
        volume_halved,
        new_users_flood,
        coverage_halved,
        answers_taken_halved,
        feature_skewed,
    )
}
RIPENS = frozenset({"answers_taken_halved"})  # begin a day sooner: an answer is judged when it has had its day
