"""A shop's trade made of dice, as restless as the sample's: nothing in it drifts until somebody plants it.

Like the sample it has Saturdays without an event, baskets of a dozen lines (median 14, one in a hundred above 120), a
popularity with a heavy tail, users who come in clusters of one taste, items that come and go, days and weeks that
differ in volume, hour, taste and mood. All of that is stationary: a night is as likely to be odd as any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

BEGINNING = datetime(2025, 1, 6, tzinfo=UTC)  # a Monday
DAY = timedelta(days=1)
US_PER_DAY = 86_400_000_000
WEEKDAYS = np.array([1.0, 1.05, 1.1, 1.15, 0.9, 0.0, 0.85])
BASKET = 21.0  # lines, the mean
CATEGORIES, CLUSTERS, FEATURES, LIST = 12, 8, 24, 10
LIFE_DAYS = 200  # of an item
NEW_USERS = 0.1  # of the baskets
LONG_AGO = -(10**15)
NOBODY = 10**8  # numbers of users from here on are nobody's yet
SOURCES = np.array(["reranked", "fold_in", "popular"], "object")
NAMES = tuple(
    f"{of}_{i}" for of in ("user", "item", "pair") for i in range(FEATURES // 3)
)  # a third tells of the user, one of the item, one of both


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
class Served:
    """Answers of one day: `features` (answers, LIST, FEATURES), scores (answers, LIST), sources (answers,)."""

    at: np.ndarray
    features: np.ndarray
    scores: np.ndarray
    sources: np.ndarray
    taken: int  # answers that led to a purchase


@dataclass(frozen=True)
class Answer:
    """What drift needs of one answer."""

    release_id: int
    answered_at: datetime
    scores: np.ndarray
    sources: Sequence[str]
    features: np.ndarray | None


@dataclass(frozen=True)
class Items:
    """What is sold, ordered by category: `born` is the day; `edges` (CATEGORIES + 1,) are where categories begin."""

    category: np.ndarray
    price: np.ndarray
    log_popularity: np.ndarray
    born: np.ndarray
    traits: np.ndarray
    edges: np.ndarray


@dataclass(frozen=True)
class Trade:
    """Days of it: `lines` and `served` by day, `popularity` the chance of each item by day."""

    items: Items
    lines: list[Lines]
    served: list[Served]
    popularity: list[np.ndarray]
    users: int


def trade(days: int, lines_a_day: int, answers_a_day: int, seed: int) -> Trade:
    """So many days of a shop of that size."""
    rng = np.random.default_rng(seed)
    items = _items(rng, days, 500 + lines_a_day // 3)
    users = max(300, int(lines_a_day / BASKET * 12))
    taste = rng.dirichlet(np.full(CATEGORIES, 3.0), CLUSTERS) * _tail(CATEGORIES)
    cluster, busy = rng.integers(0, CLUSTERS, users), rng.lognormal(0, 1, users)
    people = _People(cluster, busy, taste, rng.normal(size=(CLUSTERS, 4))[cluster] + rng.normal(size=(users, 4)))
    loads, mood = rng.normal(size=(8, FEATURES)) / 2, rng.normal(0, 0.25, len(items.born))
    made = Trade(items, [], [], [], users)
    newest = users
    week = 1.0
    for day in range(days):
        if day % 7 == 0:  # what is in fashion goes, and comes back
            mood = 0.9 * mood + rng.normal(0, 0.25 * np.sqrt(1 - 0.81), len(mood))
            week = rng.lognormal(0, 0.07)
        alive = (items.born <= day) & (day < items.born + LIFE_DAYS)
        chance = np.where(alive, np.exp(items.log_popularity + mood), 0.0)
        baskets = round(lines_a_day / BASKET * WEEKDAYS[day % 7] * week * rng.lognormal(0, 0.08))
        lines, pace = _day(rng, day, baskets, items, people, chance, newest)
        newest += baskets
        made.lines.append(lines)
        made.popularity.append(pace)
        made.served.append(_answers(rng, day, answers_a_day, items, people, chance, loads))
    return made


@dataclass(frozen=True)
class _People:
    cluster: np.ndarray
    busy: np.ndarray
    taste: np.ndarray
    traits: np.ndarray


def _tail(n: int) -> np.ndarray:
    return 1 / np.arange(2, n + 2)


def _items(rng: np.random.Generator, days: int, alive: int) -> Items:
    count = int(alive * (days + LIFE_DAYS) / LIFE_DAYS)
    category = np.sort(rng.choice(CATEGORIES, count, p=_tail(CATEGORIES) / _tail(CATEGORIES).sum()))
    price = rng.lognormal(1 + rng.normal(0, 0.4, CATEGORIES)[category], 0.7)
    price[rng.random(count) < 0.04] = np.nan
    born = rng.integers(-LIFE_DAYS, days, count)
    edges = np.searchsorted(category, np.arange(CATEGORIES + 1))
    return Items(category, price, np.minimum(rng.normal(0, 1.25, count), 2.6), born, rng.normal(size=(count, 4)), edges)


def _draw(rng: np.random.Generator, items: Items, chance: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """An item of each category by popularity."""
    heaps = np.concatenate([[0.0], np.cumsum(chance)])
    low, high = heaps[items.edges[categories]], heaps[items.edges[categories + 1]]
    return np.searchsorted(heaps, low + (high - low) * rng.random(len(categories)), side="right") - 1


def _day(
    rng: np.random.Generator, day: int, baskets: int, items: Items, people: _People, chance: np.ndarray, newest: int
) -> tuple[Lines, np.ndarray]:
    """A day's lines, and how likely each item was."""
    mood = people.busy * rng.lognormal(0, 0.15, CLUSTERS)[people.cluster]
    who = rng.choice(len(mood), baskets, p=mood / mood.sum())
    taste = people.taste * rng.lognormal(0, 0.05, CATEGORIES)
    taste /= taste.sum(axis=1, keepdims=True)
    pace = np.bincount(people.cluster, mood, CLUSTERS) @ taste / mood.sum()
    heap = np.add.reduceat(chance, items.edges[:-1])
    sizes = np.clip(np.ceil(rng.lognormal(2.6, 0.95, baskets)), 1, 500).astype(np.int64)
    basket = np.repeat(np.arange(baskets), sizes)
    likes = np.cumsum(taste[people.cluster[who]], axis=1)
    focus = (rng.random(baskets)[:, None] > likes).sum(axis=1).clip(max=CATEGORIES - 1)
    other = (rng.random(len(basket))[:, None] > likes[basket]).sum(axis=1).clip(max=CATEGORIES - 1)
    item = _draw(rng, items, chance, np.where(rng.random(len(basket)) < 0.5, focus[basket], other))
    hour = np.clip(rng.normal(12.5 + rng.normal(0, 0.2), 2.2, baskets), 7, 19)
    at = day * US_PER_DAY + (hour[basket] * 3.6e9 + rng.integers(0, 10**9, len(basket))).astype(np.int64)
    late = rng.lognormal(1, 0.6, baskets) * np.where(rng.random(baskets) < 0.02, 2000, 1)
    amount = np.ceil(rng.lognormal(0.8, 0.8, len(basket))) * rng.lognormal(0, 0.4, baskets)[basket]
    value = np.nan_to_num(items.price[item], nan=1.0) * amount
    new = rng.random(baskets) < NEW_USERS
    user = np.where(new, newest + np.arange(baskets), who)[basket]
    bought = (rng.random(baskets) >= 0.02)[basket]
    lines = Lines(at, late[basket], user, item, np.where(bought, value, -value), bought)
    return lines[np.argsort(at, kind="stable")], (pace / heap)[items.category] * chance


def _answers(
    rng: np.random.Generator, day: int, count: int, items: Items, people: _People, chance: np.ndarray, loads: np.ndarray
) -> Served:
    """A day's answers; who asks often is asked for often."""
    who = rng.choice(len(people.busy), count, p=people.busy / people.busy.sum())
    shown = rng.choice(len(chance), (count, LIST), p=chance / chance.sum())
    user = np.repeat(people.traits[who][:, None], LIST, axis=1)
    third = FEATURES // 3
    x = np.concatenate([user, items.traits[shown]], axis=2) @ loads
    x[..., :third] = (user @ loads[:4, :third]) + rng.normal(size=(count, 1, third)) / 2
    x[..., third : 2 * third] = items.traits[shown] @ loads[4:, third : 2 * third]
    x[..., 2 * third :] += rng.normal(size=(count, LIST, third)) / 2
    x += rng.normal(0, 0.03, FEATURES)  # no day is like another
    scores = x[..., 2 * third :].mean(axis=2) + rng.normal(0, 0.1, (count, LIST))
    x[..., 0::4] = np.exp(1.5 * x[..., 0::4])  # amounts, with a heavy tail
    x[..., 1::4] = np.floor(np.exp(x[..., 1::4]))  # counts
    x[..., 2::8] = x[..., 2::8] > 1.0  # flags
    gaps = rng.random((count, LIST, third)) < np.linspace(0.03, 0.2, third)
    x[..., 2 * third :][gaps] = np.nan  # a generator that does not propose the item
    source = rng.choice(3, count, p=[0.88, 0.07, 0.05])
    scores[source == 2] = np.nan
    taken = int((rng.random(count) < 0.08 * rng.lognormal(0, 0.05)).sum())
    at = day * US_PER_DAY + np.sort(rng.integers(0, 18 * 3_600_000_000, count))
    return Served(at, x.astype(np.float32), scores.astype(np.float32), SOURCES[source], taken)


def moment(at: int) -> datetime:
    """A moment of the shop's own count."""
    return BEGINNING + timedelta(microseconds=int(at))


def answers(served: Served) -> list[Answer]:
    """A day's answers one by one, as they are read from Postgres."""
    return [
        Answer(1, moment(at), scores, [source] * LIST, features.ravel())
        for at, scores, source, features in zip(served.at, served.scores, served.sources, served.features, strict=True)
    ]


def frame(lines: Lines, names: pd.api.extensions.ExtensionArray) -> pd.DataFrame:
    """Lines as events of nextpick.schema, with received_at; `names` are the ids of items, an unknown one the last."""
    start = np.datetime64(BEGINNING.replace(tzinfo=None), "us")
    at = pd.Series(start + lines.at.astype("timedelta64[us]")).dt.tz_localize("UTC")
    digits = pd.array(lines.user.astype(str), dtype="str")
    return pd.DataFrame(
        {
            "event_id": digits,  # nobody looks at it
            "user_id": digits,
            "item_id": names.take(lines.item),
            "kind": pd.array(["return", "purchase"], dtype="str").take(lines.bought.astype(np.int64)),
            "occurred_at": at,
            "value": lines.value,
            "received_at": at + pd.to_timedelta((lines.late_seconds * 1e6).astype("timedelta64[us]")),
        }
    )
