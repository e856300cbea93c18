"""The pool: what the ranker chooses from, the union of each generator's best items for a user."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from nextpick.features.histories import Histories, of_users
from nextpick.features.pair import WITH_VECTORS, Pool
from nextpick.features.seen import barred
from nextpick.models.dense import Dense
from nextpick.models.generator import Generator, Scoring, Sparing
from nextpick.models.topn import Barred, compiled

if TYPE_CHECKING:
    from nextpick.models.scored import Scored

USERS_AT_ONCE = 256  # or fewer: of each there may be a score and an item row, 8 bytes, for every item and generator
MEMORY = 256 << 20


def build_pool(
    generators: Mapping[str, Generator],
    sizes: Mapping[str, int],
    user_rows: np.ndarray,
    histories: Histories,
    policy: str,
    hidden: np.ndarray | None = None,
) -> Pool:
    """The candidates of some users (int32, ascending), ordered by user and item row.

    A generator's candidates are the `sizes[name]` items it scores best of those the seen policy allows and `hidden`
    (bool over the items) does not hide; equal scores go to the lower item row. Every candidate carries the score of
    every generator, and its rank by it among all the user's candidates, which for the generator's own candidates is
    their place among all items that may be shown. A user's candidates do not depend on who else is asked for.
    """
    at_once = min(USERS_AT_ONCE, max(MEMORY // (8 * histories.n_items * len(generators) or 1), 1))
    parts = [
        _candidates(generators, sizes, user_rows[i : i + at_once], histories, policy, hidden)
        for i in range(0, max(len(user_rows), 1), at_once)
    ]
    users, items, scores, ranks = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Pool(users, items, scores, ranks, tuple(generators), item_vectors(generators))


def _candidates(
    generators: Mapping[str, Generator],
    sizes: Mapping[str, int],
    user_rows: np.ndarray,
    histories: Histories,
    policy: str,
    hidden: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Users, items, scores and ranks of one block's candidates."""
    own = of_users(histories, user_rows)
    off = Barred.of(own, barred(own, policy), hidden)
    scored = {name: scored_by(generator, histories, user_rows) for name, generator in generators.items()}
    proposed = [one.best(sizes[name], off) for name, one in scored.items()]
    pairs = np.sort(np.concatenate([users * own.n_items + items for users, items in proposed]))
    distinct = np.diff(pairs, prepend=-1) > 0  # as np.unique says, by a sort that has vectors
    users, items = np.divmod(pairs[distinct], own.n_items)
    scores = np.stack([one.of(users, items) for one in scored.values()], axis=1)
    ranks = [ranked(users, column) for column in scores.T]
    return user_rows[users], items.astype(np.int32), scores, np.stack(ranks, axis=1)


def scores_of(generators: Mapping[str, Generator], item_rows: np.ndarray, histories: Histories) -> np.ndarray:
    """What every generator says of some items (int32) to the one user of `histories`: float32 (items, generators)."""
    users, of = np.zeros(len(item_rows), np.int32), np.zeros(1, np.int32)
    return np.stack([scored_by(one, histories, of).of(users, item_rows) for one in generators.values()], axis=1)


def scored_by(generator: Scoring, histories: Histories, user_rows: np.ndarray) -> "Scored":
    """What a generator says of users, by the cheapest way it has."""
    if isinstance(generator, Sparing) and compiled():
        return generator.scored(histories, user_rows)
    return Dense(generator.scores(histories, user_rows))


def ranked(user_rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Each row's place from 0 among its user's by score, int16, -1 where that is NaN; `user_rows` are ascending, and
    equal scores go to the earlier row. There are at most 65,536 users, numbered from 0, and as many rows of each."""
    sizes = np.bincount(user_rows)
    starts = np.cumsum(sizes) - sizes
    first, rows = starts[user_rows], np.arange(len(scores))
    bits = (scores + np.float32(0)).view(np.uint32)  # -0.0 equals 0.0
    falling = np.where(bits >> 31, bits, ~bits & 0x7FFFFFFF)
    falling[np.isnan(scores)] = 0xFFFFFFFF
    # One sort of whole numbers, which NumPy does by vectors: user, then score, then row.
    keys = (user_rows.astype(np.uint64) << 48) | (falling.astype(np.uint64) << 16) | (rows - first).astype(np.uint64)
    keys.sort()
    place = np.empty(len(scores), np.int16)
    place[(keys & 0xFFFF).astype(np.int64) + first] = rows - first  # sorted or not, a row's user is the same
    return np.where(np.isnan(scores), np.int16(-1), place)


def item_vectors(generators: Mapping[str, Generator]) -> np.ndarray | None:
    """What Pool.vectors holds: the factors of one of WITH_VECTORS, each divided by its length; None without one."""
    for name in sorted(WITH_VECTORS & set(generators)):
        return np.asarray(generators[name].directions)  # type: ignore[attr-defined]
    return None
