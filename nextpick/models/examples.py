"""What the ranker is trained on: the candidates of a holdout's users, and which of them were relevant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from nextpick.features.histories import find
from nextpick.features.holdout import Holdout
from nextpick.features.pair import Pool, pair_features
from nextpick.features.shown import NOT_SHOWN
from nextpick.models.generator import Generator
from nextpick.models.pool import build_pool
from nextpick.params import Params


@dataclass(frozen=True)
class Examples:
    """Rows by user: features float32 (n, F), labels int8 (n,), and how many rows in a row each user has.

    `positions` (int16, (n,)) is the best rank, from 0, at which the user was shown the item in the time of the label,
    NOT_SHOWN where they were not; None where nothing is known of what was shown.
    """

    features: np.ndarray
    labels: np.ndarray
    group_sizes: np.ndarray
    positions: np.ndarray | None = None


def candidates(generators: Mapping[str, Generator], held: Holdout, params: Params) -> Pool:
    """The pool of the holdout's warm users, from generators fitted on what was before it."""
    policy = params.scenarios["default"].seen_policy
    return build_pool(generators, params.pool, held.users[held.warm], held.histories, policy)


def labels(pool: Pool, held: Holdout) -> np.ndarray:
    """1 for each candidate that was relevant, else 0: int8 (n,)."""
    return (find(held.relevant, pool.user_rows, pool.item_rows) >= 0).astype(np.int8)


def examples(pool: Pool, held: Holdout, params: Params, *, whole: bool = False) -> Examples:
    """Of a holdout's pool, the candidates of each user for whom one was relevant.

    At most params.ranker.negatives_per_positive negatives a positive are kept, drawn by params.seed from the user's
    own; all where `whole`.
    """
    wanted = labels(pool, held)
    kept = _sample(pool.user_rows, wanted, params, len(wanted) if whole else params.ranker.negatives_per_positive)
    pool = replace(
        pool,
        user_rows=pool.user_rows[kept],
        item_rows=pool.item_rows[kept],
        scores=pool.scores[kept],
        ranks=pool.ranks[kept],
    )
    return Examples(
        features=pair_features(pool, held.histories, held.table, held.histories.as_of),
        labels=wanted[kept],
        group_sizes=np.unique(pool.user_rows, return_counts=True)[1],
        positions=None if held.shown is None else held.shown.rank(pool.user_rows, pool.item_rows),
    )


def together(parts: Sequence[Examples]) -> Examples:
    """The examples of several holdouts, one after the other."""
    shown = [np.full(len(p.labels), NOT_SHOWN, np.int16) if p.positions is None else p.positions for p in parts]
    return Examples(
        positions=None if all(part.positions is None for part in parts) else np.concatenate(shown),
        features=np.concatenate([part.features for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        group_sizes=np.concatenate([part.group_sizes for part in parts]),
    )


def _sample(user_rows: np.ndarray, wanted: np.ndarray, params: Params, most: int) -> np.ndarray:
    """Positions to keep, ascending: of each user with a positive all of these, and `most` negatives for each."""
    positives = np.bincount(user_rows[wanted == 1], minlength=user_rows.max(initial=0) + 1)
    lot = np.random.default_rng(params.seed).random(len(user_rows))
    order = np.lexsort((lot, wanted == 1, user_rows))  # a user's negatives come first, in the order of their lots
    users = user_rows[order]
    place = np.arange(len(order)) - np.searchsorted(users, users)
    drawn = place < most * positives[users]
    kept = order[(positives[users] > 0) & (drawn | (wanted[order] == 1))]
    return np.sort(kept)
