"""The pool: what the ranker chooses from, the union of each generator's best items for a user."""

from collections.abc import Mapping

import numpy as np

from nextpick.features.histories import Histories, of_users
from nextpick.features.pair import WITH_VECTORS, Pool
from nextpick.features.seen import barred
from nextpick.models.generator import Generator

_GROUPS = 512  # of columns, whose maxima bound the n-th best from below
USERS_AT_ONCE = 256  # x the catalogue x generators x 4 bytes of scores in memory


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
    parts = [
        _candidates(generators, sizes, user_rows[i : i + USERS_AT_ONCE], histories, policy, hidden)
        for i in range(0, max(len(user_rows), 1), USERS_AT_ONCE)
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
    off = np.zeros((len(user_rows), own.n_items), bool) if hidden is None else np.tile(hidden, (len(user_rows), 1))
    out = barred(own, policy)
    off[own.user_rows[out], own.item_rows[out]] = True
    proposed = np.zeros(off.shape, bool)
    score = np.empty((len(generators), *off.shape), np.float32)
    for i, (name, generator) in enumerate(generators.items()):
        score[i] = generator.scores(histories, user_rows)
        users, items, _ = best(np.where(off, np.nan, score[i]), sizes[name])
        proposed[users, items] = True
    users, items = np.nonzero(proposed)
    scores = np.ascontiguousarray(score[:, users, items].T)
    ranks = [ranked(users, column) for column in scores.T]
    return user_rows[users], items.astype(np.int32), scores, np.stack(ranks, axis=1)


def ranked(user_rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Each row's place from 0 among its user's by score, int16, -1 where that is NaN; `user_rows` are ascending, and
    equal scores go to the earlier row."""
    order = np.lexsort((-scores, user_rows))  # stable, and NaN comes last
    place = np.empty(len(order), np.int16)
    place[order] = np.arange(len(order)) - np.searchsorted(user_rows, user_rows)
    return np.where(np.isnan(scores), np.int16(-1), place)


def item_vectors(generators: Mapping[str, Generator]) -> np.ndarray | None:
    """What Pool.vectors holds: the factors of one of WITH_VECTORS, each divided by its length; None without one."""
    for name in sorted(WITH_VECTORS & set(generators)):
        factors = generators[name].arrays()["item_factors"]
        lengths = np.linalg.norm(factors, axis=1, keepdims=True)
        return np.divide(factors, lengths, out=np.full_like(factors, np.nan), where=lengths > 0)
    return None


def best(scores: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and places (from 0) of each row's `n` highest; ties go to the lower column, NaN and -inf are out.

    The n-th best of the maxima of groups of columns bounds the n-th best of all from below: few columns are sorted.
    """
    comparable = np.where(np.isnan(scores), -np.inf, scores)
    least = np.full(len(scores), np.finfo(np.float32).min)
    high = scores.shape[1] // _GROUPS
    if n <= _GROUPS and high:
        maxima = comparable[:, : high * _GROUPS].reshape(len(scores), high, _GROUPS).max(axis=1)
        least = np.maximum(least, np.partition(maxima, -n, axis=1)[:, -n])
    rows, columns = np.nonzero(comparable >= least[:, None])
    order = np.lexsort((columns, -comparable[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = place < n
    return rows[kept], columns[kept], place[kept]
