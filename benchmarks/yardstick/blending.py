"""Fusing scores: a weighted sum of their logarithms, learnt as a choice; then LambdaRanks that correct its best.

The sum is McFadden's conditional logit (*Conditional Logit Analysis of Qualitative Choice Behavior*, 1974), which is
ListNet's top one (Cao et al., *Learning to Rank*, ICML 2007): with x a candidate's levelled scores, w >= 0,

    p(candidate | user) = exp(w . x) / sum over the user's candidates of exp(w . x)

and w makes what the user took, each user alike, most likely. That is convex: no start and no draw matters. Scores are
levelled because linear models' have long tails, where ten times the score is not ten times the reason to exponentiate.
One scale a member, not one a user: the spread within a user tells how sure a member is (levelling it was worse).
"""

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from scipy.optimize import minimize

from benchmarks.yardstick.pooled import Pooled, places

RANKED = 100  # of the sum's best, which the trees may reorder
_RIDGE = 1e-3  # on weights of levelled scores, which vary by about 1
_FOLDS = 5  # of users: each LambdaRank learns on all but one, which says when it stops
_TREES, _PATIENCE = 600, 40
_LIGHTGBM = {
    "objective": "lambdarank",
    "label_gain": [0, 1],
    "lambdarank_truncation_level": 30,
    "metric": "ndcg",
    "eval_at": [20],
    "num_leaves": 15,
    "learning_rate": 0.03,
    "min_child_samples": 200,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Blend:
    """weights (float64, (members,)) of levelled scores, and boosters whose mean corrects the sum of its best; none
    where the sum alone ranked the validation as well.
    """

    weights: np.ndarray
    trees: tuple[lgb.Booster, ...] = ()

    def scores(self, pooled: Pooled) -> np.ndarray:
        """A value a row of the pool, float64, to rank a group's rows by."""
        fused = levelled(pooled.scores) @ self.weights
        if not self.trees or not len(fused):
            return fused
        first = places(fused, pooled.groups) < RANKED
        seen = Seen.of(pooled.rows(first), fused[first])
        corrections = [np.asarray(booster.predict(seen.inputs, num_threads=0)) for booster in self.trees]
        return _reordered(fused, pooled, first, seen.start + np.mean(corrections, axis=0))


@dataclass(frozen=True)
class Seen:
    """What the trees see of each of the sum's best (float32), and where they start: the sum, centred in its group."""

    inputs: np.ndarray
    start: np.ndarray

    @classmethod
    def of(cls, first: Pooled, fused: np.ndarray) -> "Seen":
        """Of the members and of the sum: values, places, and values as a part of the group's highest; and features."""
        groups, sizes = first.groups, np.maximum(np.diff(first.indptr), 1)
        values = [*levelled(first.scores).T, fused]
        placed = [places(column, groups) for column in values]
        parts = [column / np.maximum(_highest(column, groups, len(sizes)), 1e-9)[groups] for column in values]
        inputs = np.column_stack([*values, *placed, *parts, first.features]).astype(np.float32)
        return cls(inputs, fused - (np.bincount(groups, fused, len(sizes)) / sizes)[groups])


def levelled(scores: np.ndarray) -> np.ndarray:
    """Each column's logarithm, both ways from 0, on a scale of its own; standard deviations of 1 over all rows."""
    logs = np.sign(scores) * np.log1p(5 * np.abs(_scaled(scores)))
    return _scaled(logs)


def _scaled(scores: np.ndarray) -> np.ndarray:
    if not len(scores):
        return scores
    spread = scores.std(axis=0, dtype=np.float64)
    return scores / np.where(spread > 0, spread, 1).astype(np.float32)


def worths(values: np.ndarray, pooled: Pooled, k: int) -> np.ndarray:
    """Each group's mean of recall@k and ndcg@k, of a pool ranked by these values."""
    groups = pooled.groups
    place = places(values, groups)
    hit = pooled.labels & (place < k)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    hits = np.bincount(groups[hit], minlength=len(pooled.relevant))
    gains = np.bincount(groups[hit], discounts[place[hit]], len(pooled.relevant))
    ideal = np.cumsum(discounts)[np.minimum(pooled.relevant, k) - 1]
    return (hits / pooled.relevant + gains / ideal) / 2


def blend(pooled: Pooled, k: int, seed: int, say: Say) -> Blend:
    """Weights and trees learnt from pools whose labels are known.

    The trees are kept where they better users that they did not learn from, beyond two standard errors.
    """
    weights = logit_weights(pooled)
    fused = levelled(pooled.scores) @ weights
    trees, corrected = _corrections(pooled, fused, seed)
    before = worths(fused, pooled, k)
    gains = worths(corrected, pooled, k) - before
    error = gains.std() / max(len(gains), 1) ** 0.5
    grown = [booster.best_iteration for booster in trees]
    say(f"fused: the sum {before.mean():.4f}, trees {grown} on it {gains.mean():+.4f} (standard error {error:.4f})")
    return Blend(weights, tuple(trees) if gains.mean() > 2 * error else ())


def logit_weights(pooled: Pooled) -> np.ndarray:
    """The conditional logit's weights, float64 (members,), none below 0; all 1 where nobody took any candidate."""
    taken = np.bincount(pooled.groups, pooled.labels, len(pooled.relevant))
    chose = pooled.of_groups(taken > 0)
    values = levelled(pooled.scores)[(taken > 0)[pooled.groups]].astype(np.float64)
    groups, starts = chose.groups, chose.indptr[:-1]
    start = np.ones(values.shape[1])
    if not len(starts):
        return start
    wanted = chose.labels / taken[taken > 0][groups] / len(starts)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        sums = values @ weights
        sums -= np.maximum.reduceat(sums, starts)[groups]
        odds = np.exp(sums)
        totals = np.add.reduceat(odds, starts)
        unlike = float(np.log(totals).mean() - wanted @ sums)
        slopes = values.T @ (odds / totals[groups] / len(starts) - wanted)
        return unlike + _RIDGE * float(weights @ weights), slopes + 2 * _RIDGE * weights

    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start))
    return np.asarray(found.x)


def _corrections(pooled: Pooled, fused: np.ndarray, seed: int) -> tuple[list[lgb.Booster], np.ndarray]:
    """A booster for each fold of users, and every row's value by the one that did not learn from its user.

    A user's groups, of several carvings, are together. No boosters where a fold has nobody to learn from or stop on.
    """
    draw = np.random.default_rng(seed)
    users, at = np.unique(pooled.users, return_inverse=True)
    fold = (draw.permutation(len(users)) % _FOLDS)[at]
    top = places(fused, pooled.groups) < RANKED
    first = pooled.rows(top)
    seen, groups = Seen.of(first, fused[top]), first.groups
    useful = np.bincount(groups, first.labels, len(first.relevant)) > 0
    if len(np.unique(fold[useful])) < _FOLDS:
        return [], fused
    boosters, corrected = [], seen.start.copy()
    for one in range(_FOLDS):
        learns, stops = (_dataset(first, seen, useful & part) for part in (fold != one, fold == one))
        stopping = lgb.early_stopping(_PATIENCE, verbose=False)
        settings = {**_LIGHTGBM, "seed": seed}
        boosters.append(lgb.train(settings, learns, _TREES, valid_sets=[stops], callbacks=[stopping]))
        rows = (fold == one)[groups]
        if rows.any():
            corrected[rows] += np.asarray(boosters[-1].predict(seen.inputs[rows]))
    return boosters, _reordered(fused, pooled, top, corrected)


def _dataset(first: Pooled, seen: Seen, kept: np.ndarray) -> lgb.Dataset:
    rows, sizes = kept[first.groups], np.diff(first.indptr)[kept]
    return lgb.Dataset(seen.inputs[rows], first.labels[rows].astype(int), group=sizes, init_score=seen.start[rows])


def _reordered(fused: np.ndarray, pooled: Pooled, first: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` for the rows that `first` marks; the others keep their order, behind."""
    out = -1e9 - places(fused, pooled.groups).astype(np.float64)
    out[first] = values
    return out


def _highest(values: np.ndarray, groups: np.ndarray, n: int) -> np.ndarray:
    out = np.full(n, -np.inf)
    np.maximum.at(out, groups, values)
    return out
