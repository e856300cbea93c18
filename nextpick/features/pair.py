"""The ranker's input: one pure function for training, precompute and serving.

Families, in order, a file each but for the first two: each generator's score and rank; the item; the user; the user
and this item; the user and items like it. Every family is a function from arrays to named columns, and costs what the
candidates and their users' histories cost: nothing here grows with the catalogue or with the number of users.

A list keeps the generators' scores and ranks as they were at its release's cutoff; what a user has done since reaches
the ranker by the other families, from the history at hand. A generator that only reads the user's own history would
tell the ranker the same thing, a day old, so it proposes candidates and has no features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from nextpick.features.affinity import CATEGORY_FEATURES, SIMILAR_FEATURES, category_features, similar_features
from nextpick.features.former import former_features
from nextpick.features.histories import Histories, of_users
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.features.own import OWN_FEATURES, own_features
from nextpick.features.user import USER_FEATURES, user_features

OWN_HISTORY_ONLY = frozenset({"buy_again"})  # generators without features
OF_ITEM = tuple(f"item_{name}" for name in ITEM_FEATURES)
WITH_VECTORS = frozenset({"als"})  # generators whose item vectors say what is similar
_AT_ONCE = 4096  # rows written column by column while they lie in the cache


@dataclass(frozen=True)
class Pool:
    """Candidates, ordered by user: row j offers item_rows[j] to user_rows[j] (int32 both).

    scores (float32) and ranks (int16) are (n, len(generators)): what each generator gives the item, NaN where it has
    no opinion, and the item's place from 0 by that score among all of the user's candidates, -1 where it has none.
    vectors (float32, (items, factors)) are the items' of one of WITH_VECTORS, of length 1, where it is in the pool.
    """

    user_rows: np.ndarray
    item_rows: np.ndarray
    scores: np.ndarray
    ranks: np.ndarray
    generators: tuple[str, ...]
    vectors: np.ndarray | None = None


class Kernel(Protocol):
    """What computes the same features faster."""

    def features(
        self, pool: Pool, own: Histories, local: np.ndarray, table: ItemTable, wanted: Sequence[str]
    ) -> np.ndarray | None:
        """What `_features` gives, to the bit; None where it leaves that to it."""
        ...


_kernel: Kernel | None = None


def use(kernel: Kernel | None) -> None:
    """Let `pair_features` of this process ask `kernel` first. Nobody sees a difference but in time."""
    global _kernel
    _kernel = kernel


def feature_names(generators: Sequence[str]) -> tuple[str, ...]:
    """The names, in order, of every feature this code computes for candidates of these generators."""
    return _names(tuple(generators))


@lru_cache(64)
def _names(generators: tuple[str, ...]) -> tuple[str, ...]:
    with_features = [name for name in generators if name not in OWN_HISTORY_ONLY]
    proposed = tuple(f"{name}_{what}" for name in with_features for what in ("score", "rank"))
    similar = SIMILAR_FEATURES if WITH_VECTORS & set(generators) else ()
    return proposed + OF_ITEM + USER_FEATURES + OWN_FEATURES + CATEGORY_FEATURES + similar


def pair_features(
    pool: Pool, histories: Histories, table: ItemTable, as_of: int, features: Sequence[str] | None = None
) -> np.ndarray:
    """The ranker's input: float32, C order, (len(pool.item_rows), len(features)), rows in the pool's order.

    `histories` has a row for each of pool.user_rows and, like `table`, knows nothing of `as_of` (microseconds) or
    later. `features` is by default all of `feature_names(pool.generators)`. A user's rows are the same to the bit
    whoever else is in the pool. Unknown is NaN. Raises: KeyError for a feature this code does not know, or that is
    about what is similar where the pool has no vectors.
    """
    wanted = feature_names(pool.generators) if features is None else features
    if len(histories) == 1:  # as at a request: nobody to look up
        own, local = replace(histories, as_of=as_of), np.zeros(len(pool.item_rows), np.int64)
    else:
        users, local = np.unique(pool.user_rows, return_inverse=True)
        own = replace(of_users(histories, users), as_of=as_of)
    if _kernel is not None and (found := _kernel.features(pool, own, local, table, wanted)) is not None:
        return found
    return _features(pool, own, local, table, wanted)


def _features(pool: Pool, own: Histories, local: np.ndarray, table: ItemTable, wanted: Sequence[str]) -> np.ndarray:
    """By NumPy: candidate j is for the user in row local[j] (int64) of `own`, whose as_of is the moment."""
    user = {name: values[local] for name, values in user_features(own, table.log_prices, own.as_of).items()}
    columns = _generated(pool)
    columns |= dict(zip(OF_ITEM, table.features[pool.item_rows].T, strict=True))
    columns |= user
    columns |= own_features(own, local, pool.item_rows, table, user)
    columns |= former_features(own, local, pool.item_rows, wanted)
    columns |= category_features(own, local, pool.item_rows, table)
    if pool.vectors is not None:
        columns |= similar_features(own, local, pool.item_rows, pool.vectors)
    out = np.empty((len(pool.item_rows), len(wanted)), np.float32)
    for at in range(0, len(out), _AT_ONCE):
        part = slice(at, at + _AT_ONCE)
        for i, name in enumerate(wanted):
            out[part, i] = columns[name][part]
    return out


def _generated(pool: Pool) -> dict[str, np.ndarray]:
    columns = {}
    for i, name in enumerate(pool.generators):
        columns[f"{name}_score"] = pool.scores[:, i]
        columns[f"{name}_rank"] = np.where(pool.ranks[:, i] >= 0, pool.ranks[:, i], np.nan)
    return columns
