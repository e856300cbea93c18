"""What a shop recommends, made of dice: lists that are new every night, who asks, and what becomes of an answer.

The sample tells nothing of answers: all of this is assumed. A model knows what is popular, by decayed counts of what
was bought, and what a user is like. Users come by visits, and ask more than once in each.
"""

from dataclasses import dataclass

import numpy as np

FEATURES, LIST = 24, 10
THIRD = FEATURES // 3
POOL = 1200  # items, the most popular, of which the lists are made
VISIT = 2.0  # answers, the mean
BUYS, FROM_LIST = 0.25, 0.3  # visits within a day of which something is bought; of these, something that was shown
TASTE, NOW = 0.25, 0.25  # of a score: the user's own part, and what they did just now
RACED = 1 / 2000  # answers whose features training would not compute: an event came in at that moment
SOURCES = np.array(["reranked", "fold_in", "popular"], "object")
NAMES = tuple(f"{of}_{i}" for of in ("user", "item", "pair") for i in range(THIRD))  # what each feature tells of
US_PER_DAY = 86_400_000_000


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
class People:
    """Customers of old: the cluster of each, how often they come, what each cluster likes, and what each is like."""

    cluster: np.ndarray
    busy: np.ndarray
    taste: np.ndarray
    traits: np.ndarray


@dataclass(frozen=True)
class Asked:
    """A day's questions, and how often each item was taken so far, 0 for those that are not sold."""

    day: int
    count: int
    known: np.ndarray


@dataclass(frozen=True)
class Served:
    """Answers of one day, in order: users (answers,), items and scores (answers, LIST), features (answers, LIST,
    FEATURES), sources (answers,). Within a day the user took `relevant` items (answers,), those at the places that
    `followed` (answers, LIST) has among them. `raced` (answers,): training would not compute the same features."""

    at: np.ndarray
    users: np.ndarray
    items: np.ndarray
    features: np.ndarray
    scores: np.ndarray
    sources: np.ndarray
    followed: np.ndarray
    relevant: np.ndarray
    raced: np.ndarray


def loadings(rng: np.random.Generator) -> np.ndarray:
    """How features come from what users and items are like."""
    return rng.normal(size=(8, FEATURES)) / 2


def nobody_asks() -> Served:
    """A day without answers."""
    none, listed = np.empty(0, np.int64), np.empty((0, LIST))
    features = np.empty((0, LIST, FEATURES), np.float32)
    no = np.empty(0, bool)
    return Served(none, none, listed.astype(np.int64), features, listed, none, listed.astype(bool), none, no)


def serve(rng: np.random.Generator, asked: Asked, items: Items, people: People, loads: np.ndarray) -> Served:
    """A day's answers; who comes often is asked for often."""
    visit = np.sort(rng.integers(0, max(1, round(asked.count / VISIT)), asked.count))
    who = rng.choice(len(people.busy), visit[-1] + 1, p=people.busy / people.busy.sum())[visit]
    hour = np.clip(rng.normal(12.5, 2.4, visit[-1] + 1), 7, 19)[visit]
    at = asked.day * US_PER_DAY + (hour * 3.6e9).astype(np.int64) + rng.integers(0, 600 * 10**6, asked.count)
    shown = _lists(rng, asked, items, people, who)
    x, scores = _features(rng, asked, items, people.traits[who], shown, loads)
    rare = np.array([0.07, 0.05]) * rng.lognormal(0, 0.1, 2)
    source = rng.choice(3, asked.count, p=[1 - rare.sum(), *rare])
    scores[source == 2] = np.nan
    followed, relevant = _became(rng, visit)
    order = np.argsort(at, kind="stable")
    raced = rng.random(asked.count) < RACED
    x, scores = x.astype(np.float32), scores.astype(np.float32)
    found = (at, who, shown, x, scores, SOURCES[source], followed, relevant, raced)
    return Served(*(values[order] for values in found))


def _lists(rng: np.random.Generator, asked: Asked, items: Items, people: People, who: np.ndarray) -> np.ndarray:
    pool = np.argsort(-asked.known)[:POOL]
    liking = people.traits[who] @ items.traits[pool].T
    score = np.log1p(asked.known[pool]) + TASTE * liking + rng.normal(0, NOW, liking.shape)
    best = np.argpartition(-score, LIST, axis=1)[:, :LIST]
    order = np.argsort(-np.take_along_axis(score, best, axis=1), axis=1)
    return np.asarray(pool[np.take_along_axis(best, order, axis=1)])


def _features(
    rng: np.random.Generator, asked: Asked, items: Items, traits: np.ndarray, shown: np.ndarray, loads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A third of them tells of the user, one of the item, one of both; and the ranker's score."""
    user, count = np.repeat(traits[:, None], LIST, axis=1), len(traits)
    x = np.concatenate([user, items.traits[shown]], axis=2) @ loads
    x[..., :THIRD] = (user @ loads[:4, :THIRD]) + rng.normal(size=(count, 1, THIRD)) / 2
    x[..., THIRD : 2 * THIRD] = items.traits[shown] @ loads[4:, THIRD : 2 * THIRD]
    x[..., 2 * THIRD :] += rng.normal(size=(count, LIST, THIRD)) / 2
    x += rng.normal(0, 0.03, FEATURES)  # no day is like another
    scores = x[..., 2 * THIRD :].mean(axis=2) + rng.normal(0, 0.1, (count, LIST))
    x[..., 0::4] = np.exp(1.5 * x[..., 0::4])  # amounts, with a heavy tail
    x[..., 1::4] = np.floor(np.exp(x[..., 1::4]))  # counts
    x[..., 2::8] = x[..., 2::8] > 1.0  # flags
    x[..., THIRD] = asked.known[shown]
    gaps = rng.random((count, LIST, THIRD)) < np.linspace(0.03, 0.2, THIRD)
    x[..., 2 * THIRD :][gaps] = np.nan  # a generator that does not propose the item
    return x, scores


def _became(rng: np.random.Generator, visit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which places were followed, and how many items were taken: what one visit's answers led to is one purchase."""
    visits, inclined = visit[-1] + 1, rng.lognormal(0, 0.1)  # a day's mood
    buys = rng.random(visits) < BUYS * inclined
    takes = (buys & (rng.random(visits) < FROM_LIST))[visit]
    places = 1 / np.log2(np.arange(LIST) + 2)
    followed = np.zeros((len(visit), LIST), bool)
    followed[np.arange(len(visit)), rng.choice(LIST, len(visit), p=places / places.sum())] = True
    followed &= takes[:, None]
    bought = np.ceil(rng.lognormal(2.0, 0.8, visits)).astype(np.int64)
    return followed, np.where(buys[visit], bought[visit], 0)
