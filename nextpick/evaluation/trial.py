"""A trial: the lists a model would have given at the start of a holdout."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nextpick.features.histories import of_users
from nextpick.features.holdout import Holdout
from nextpick.features.items import popularity_order
from nextpick.features.pair import Pool, pair_features
from nextpick.features.seen import allowed
from nextpick.models.examples import candidates
from nextpick.models.generator import Generator
from nextpick.models.pool import build_pool
from nextpick.models.ranker import Ranker
from nextpick.params import Params


@dataclass(frozen=True)
class Trial:
    """`lists` are the best k item rows of each of the holdout's users: int64 (users, k), -1 where there are no more.

    `pool` and `scores` (float64) are all the ranker chose from for users with a history, and what it gave each.
    """

    lists: np.ndarray
    pool: Pool
    scores: np.ndarray


def two_stage(generators: Mapping[str, Generator], ranker: Ranker, held: Holdout, params: Params) -> Trial:
    """The pool of generators fitted on what was before the holdout, in the ranker's order, filled as answers are."""
    pool = candidates(generators, held, params)
    features = pair_features(pool, held.histories, held.table, held.histories.as_of, ranker.features)
    scores = ranker.predict(features)
    order = np.lexsort((pool.item_rows, -scores, pool.user_rows))
    lists = _first(pool.user_rows[order], pool.item_rows[order], held, params.evaluation.k)
    return Trial(_filled(lists, held, params), pool, scores)


def alone(generator: Generator, held: Holdout, params: Params) -> np.ndarray:
    """The lists of one generator without a ranker, filled with popular items where it has too few: as Trial.lists."""
    k, policy = params.evaluation.k, params.scenarios["default"].seen_policy
    pool = build_pool({"it": generator}, {"it": k}, held.users, held.histories, policy)
    order = np.lexsort((pool.ranks[:, 0], pool.user_rows))
    return _filled(_first(pool.user_rows[order], pool.item_rows[order], held, k), held, params)


def _first(user_rows: np.ndarray, item_rows: np.ndarray, held: Holdout, k: int) -> np.ndarray:
    """Each user's first k of rows that are in order, users ascending."""
    lists = np.full((len(held.users), k), -1, np.int64)
    place = np.arange(len(user_rows)) - np.searchsorted(user_rows, user_rows)
    kept = place < k
    lists[np.searchsorted(held.users, user_rows[kept]), place[kept]] = item_rows[kept]
    return lists


def _filled(lists: np.ndarray, held: Holdout, params: Params) -> np.ndarray:
    """The lists with their empty places taken by the most popular items not in them yet, as answers are filled."""
    popular, _ = popularity_order(held.table)
    policy, k = params.scenarios["default"].seen_policy, lists.shape[1]
    out = lists.copy()
    for at in np.flatnonzero((lists < 0).any(axis=1)).tolist():
        own = lists[at][lists[at] >= 0]
        seen = of_users(held.histories, held.users[at : at + 1]).item_rows
        enough = popular[: k + len(own) + len(seen)]  # at most so many of the first are turned down
        fill = enough[allowed(enough, seen, policy) & ~np.isin(enough, own)]
        merged = np.concatenate([own, fill])[:k]
        out[at, : len(merged)] = merged
    return out
