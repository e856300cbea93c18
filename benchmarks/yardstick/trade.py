"""A shop's trade made of dice, as restless as the sample's: nothing in it drifts until somebody plants it.

The numbers below are those of data/sample (UCI Online Retail, 305 open days), and tests hold them to it; only its size
is scaled. What the sample cannot tell is said to be assumed. All of it is stationary: a night is as likely to be odd as
any other.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from benchmarks.yardstick.offers import Asked, Items, People, Served, loadings, nobody_asks, serve

BEGINNING = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
US_PER_DAY = 86_400_000_000
# Of the sample: lines by weekday, of the mean open day; quantiles of the lines of a basket, a user's of one day
WEEKDAYS = np.array([1.06, 0.98, 1.0, 1.16, 0.84, 0.0, 0.95])
SHARES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997, 1.0)
BASKETS = (1, 2, 3, 8, 17, 29, 50, 82, 119, 167, 541)
BASKET = 24.5  # lines, their mean: the sample's is 23.5
WEEK_SD, DAY_SD = 0.13, 0.125  # of ln volume, robust, beyond what baskets at random make
ALIVE = 2600  # items: 2,180 to 2,675 are sold in 28 days
# ln popularity of items has variance 1.21 (lines beyond Poisson's), of which weeks 1 to 15 apart share 1.21 to 1.06
ITEM_SD, FASHION_SD, FASHION = 0.93, 0.59, 0.965
LIFE_DAYS = 300  # of an item: one line in 300 is of an item that nobody bought before that day
NEW_USERS = 0.16  # of the baskets, since June
BUSY_SD, USERS = 1.07, 45  # of ln baskets a user; customers for each basket a day: 800 of old buy in 28 days
PRICE, PRICE_SD = 0.69, (0.4, 0.94)  # of ln price, the mean, between categories and within: 1.02 in all
VALUE_SD = (0.61, 0.91)  # of ln value within a basket, .74 with its prices, and between baskets
RETURNS = 0.02
HOURS = 12.5, 2.4  # of baskets
# Assumed: the sample has neither categories, nor prices that are missing, nor when an event came in
CATEGORIES, CLUSTERS = 12, 8
NO_PRICE = 0.04
DELAYED = 0.02  # of the baskets come in an hour and a half late instead of three seconds
LONG_AGO = -(10**15)
NOBODY = 10**8  # numbers of users from here on are nobody's yet


@dataclass(frozen=True)
class Lines:
    """Events of some days, in order: an entry of each array an event. `item` -1 is an id that no catalogue holds."""

    at: np.ndarray
    late_seconds: np.ndarray
    user: np.ndarray
    item: np.ndarray
    value: np.ndarray
    bought: np.ndarray

    def __getitem__(self, which: np.ndarray | slice) -> "Lines":
        return Lines(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Trade:
    """Days of it: `lines` and `served` by day, `popularity` the chance of each item by day."""

    items: Items
    lines: list[Lines]
    served: list[Served]
    popularity: list[np.ndarray]
    users: int


def trade(days: int, lines_a_day: int, answers_a_day: int, seed: int) -> Trade:
    """So many days of a shop that has so many lines and answers on the mean open day."""
    rng = np.random.default_rng(seed)
    items, people = _items(rng, days), _people(rng, max(300, int(lines_a_day / BASKET * USERS)))
    loads, mood = loadings(rng), rng.normal(0, FASHION_SD, len(items.born))
    made = Trade(items, [], [], [], len(people.busy))
    newest, week, known = made.users, 1.0, np.zeros(len(items.born))
    for day in range(days):
        if day % 7 == 0:  # what is in fashion goes, and comes back
            mood = FASHION * mood + rng.normal(0, FASHION_SD * np.sqrt(1 - FASHION**2), len(mood))
            week = rng.lognormal(0, WEEK_SD)
        alive = (items.born <= day) & (day < items.born + LIFE_DAYS)
        chance = np.where(alive, np.exp(items.log_popularity + mood), 0.0)
        pace = WEEKDAYS[day % 7] * week * rng.lognormal(0, DAY_SD)
        baskets = int(rng.poisson(lines_a_day / BASKET * pace))
        lines, popularity = _day(rng, day, baskets, items, people, chance, newest)
        known = known if day else popularity * lines_a_day * 20  # as it would be after months
        asked = Asked(day, int(rng.poisson(answers_a_day * pace)), np.where(alive, known, 0.0))
        newest += baskets
        made.lines.append(lines)
        made.popularity.append(popularity)
        made.served.append(serve(rng, asked, items, people, loads) if asked.count else nobody_asks())
        known = 0.95 * known + np.bincount(lines.item, minlength=len(known))  # lists are made anew every night
    return made


def basket_sizes(rng: np.random.Generator, baskets: int) -> np.ndarray:
    """Lines of so many, int64."""
    return np.asarray(np.rint(np.interp(rng.random(baskets), SHARES, BASKETS)), np.int64)


def _people(rng: np.random.Generator, users: int) -> People:
    taste = rng.dirichlet(np.full(CATEGORIES, 3.0), CLUSTERS) * _tail(CATEGORIES)
    cluster, busy = rng.integers(0, CLUSTERS, users), rng.lognormal(0, BUSY_SD, users)
    traits = rng.normal(size=(CLUSTERS, 4))[cluster] + rng.normal(size=(users, 4))
    return People(cluster, busy, taste, traits)


def _tail(n: int) -> np.ndarray:
    return 1 / np.arange(2, n + 2)


def _items(rng: np.random.Generator, days: int) -> Items:
    count = int(ALIVE * (days + LIFE_DAYS) / LIFE_DAYS)
    category = np.sort(rng.choice(CATEGORIES, count, p=_tail(CATEGORIES) / _tail(CATEGORIES).sum()))
    price = rng.lognormal(PRICE + rng.normal(0, PRICE_SD[0], CATEGORIES)[category], PRICE_SD[1])
    price[rng.random(count) < NO_PRICE] = np.nan
    born = rng.integers(-LIFE_DAYS, days, count)
    edges = np.searchsorted(category, np.arange(CATEGORIES + 1))
    return Items(category, price, rng.normal(0, ITEM_SD, count), born, rng.normal(size=(count, 4)), edges)


def _draw(rng: np.random.Generator, items: Items, chance: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """An item of each category by popularity."""
    heaps = np.concatenate([[0.0], np.cumsum(chance)])
    low, high = heaps[items.edges[categories]], heaps[items.edges[categories + 1]]
    return np.searchsorted(heaps, low + (high - low) * rng.random(len(categories)), side="right") - 1


def _day(
    rng: np.random.Generator, day: int, baskets: int, items: Items, people: People, chance: np.ndarray, newest: int
) -> tuple[Lines, np.ndarray]:
    """A day's lines, and how likely each item was."""
    mood = people.busy * rng.lognormal(0, 0.15, CLUSTERS)[people.cluster]
    who = rng.choice(len(mood), baskets, p=mood / mood.sum())
    taste = people.taste * rng.lognormal(0, 0.05, CATEGORIES)
    taste /= taste.sum(axis=1, keepdims=True)
    pace = np.bincount(people.cluster, mood, CLUSTERS) @ taste / mood.sum()
    heap = np.add.reduceat(chance, items.edges[:-1])
    sizes = basket_sizes(rng, baskets)
    basket = np.repeat(np.arange(baskets), sizes)
    likes = np.cumsum(taste[people.cluster[who]], axis=1)
    focus = (rng.random(baskets)[:, None] > likes).sum(axis=1).clip(max=CATEGORIES - 1)
    other = (rng.random(len(basket))[:, None] > likes[basket]).sum(axis=1).clip(max=CATEGORIES - 1)
    item = _draw(rng, items, chance, np.where(rng.random(len(basket)) < 0.5, focus[basket], other))
    hour = np.clip(rng.normal(HOURS[0] + rng.normal(0, 0.2), HOURS[1], baskets), 7, 19)
    at = day * US_PER_DAY + (hour[basket] * 3.6e9 + rng.integers(0, 10**9, len(basket))).astype(np.int64)
    late = rng.lognormal(1, 0.6, baskets) * np.where(rng.random(baskets) < DELAYED, 2000, 1)
    price = np.nan_to_num(items.price[item], nan=1.0)
    amount = rng.lognormal(0, VALUE_SD[0], len(basket)) * rng.lognormal(0, VALUE_SD[1], baskets)[basket]
    value = np.sqrt(price) * amount  # of what is dear fewer are bought
    new = rng.random(baskets) < NEW_USERS
    user = np.where(new, newest + np.arange(baskets), who)[basket]
    bought = (rng.random(baskets) >= RETURNS)[basket]
    lines = Lines(at, late[basket], user, item, np.where(bought, value, -value), bought)
    return lines[np.argsort(at, kind="stable")], (pace / heap)[items.category] * chance


def moment(at: int) -> datetime:
    """A moment of the shop's own count."""
    return BEGINNING + timedelta(microseconds=int(at))


def frame(lines: Lines) -> pd.DataFrame:
    """Lines as events of nextpick.schema, with received_at; ids are numbers, which are quicker than text to count."""
    start = np.datetime64(BEGINNING.replace(tzinfo=None), "us")
    at = pd.Series(start + lines.at.astype("timedelta64[us]")).dt.tz_localize("UTC")
    return pd.DataFrame(
        {
            "user_id": lines.user,
            "item_id": lines.item,
            "kind": pd.Categorical.from_codes(lines.bought.astype(np.int8), ["return", "purchase"]),
            "occurred_at": at,
            "value": lines.value,
            "received_at": at + pd.to_timedelta((lines.late_seconds * 1e6).astype("timedelta64[us]")),
        }
    )
