"""Fusing scores: a weighted sum with one scale a member, its weights searched; then a LambdaRank over its best.

One scale a member, not one a user: what a score of a user is worth beside another user's does not matter, but its
spread within the user does, and a scale of each user would level it (measured worse).
"""

from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from benchmarks.yardstick.pooled import Pooled, places

RANKED = 100  # of the fused best, which the LambdaRank may reorder
_STARTS = 3  # at random, beside each member alone and all alike
_STEPS = (0.0, 0.5, 0.75, 0.9, 1.1, 1.33, 2.0)
_SEARCHED = 3000  # groups that the weights are searched on
_TREES, _PATIENCE = 400, 40
_LIGHTGBM = {
    "objective": "lambdarank",
    "label_gain": [0, 1],
    "num_leaves": 31,
    "learning_rate": 0.05,
    "min_child_samples": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Blend:
    """weights (float64, (members,)) of scaled scores, and the trees that correct the sum of its best; None where the
    sum alone ranked the validation as well.
    """

    weights: np.ndarray
    trees: lgb.Booster | None

    def scores(self, pooled: Pooled) -> np.ndarray:
        """A value a row of the pool, float64, to rank a group's rows by."""
        fused = scaled(pooled.scores) @ self.weights
        if self.trees is None or not len(fused):
            return fused
        place = places(fused, pooled.groups)
        first = place < RANKED
        seen = Seen.of(pooled.rows(first), fused[first])
        out = -1e9 - place.astype(np.float64)  # the others keep their order, behind
        out[first] = seen.start + self.trees.predict(seen.inputs, num_threads=0)
        return out


@dataclass(frozen=True)
class Seen:
    """What the trees see of each of the fused best (float32), and where they start: the sum, centred in its group."""

    inputs: np.ndarray
    start: np.ndarray

    @classmethod
    def of(cls, first: Pooled, fused: np.ndarray) -> "Seen":
        """Of the members and of the sum: values, places, and values as a part of the group's highest; and features."""
        groups, sizes = first.groups, np.maximum(np.diff(first.indptr), 1)
        values = [*scaled(first.scores).T, fused]
        placed = [places(column, groups) for column in values]
        parts = [column / np.maximum(_highest(column, groups, len(sizes)), 1e-9)[groups] for column in values]
        inputs = np.column_stack([*values, *placed, *parts, first.features]).astype(np.float32)
        centred = fused - (np.bincount(groups, fused, len(sizes)) / sizes)[groups]
        return cls(inputs, centred / (centred.std() or 1.0))


def scaled(scores: np.ndarray) -> np.ndarray:
    """Each column by its standard deviation over all rows, float32."""
    spread = scores.std(axis=0, dtype=np.float64)
    return scores / np.where(spread > 0, spread, 1).astype(np.float32)


def worth(values: np.ndarray, pooled: Pooled, k: int) -> float:
    """The mean of recall@k and ndcg@k over the groups, of a pool ranked by these values."""
    return float(worths(values, pooled, k).mean())


def worths(values: np.ndarray, pooled: Pooled, k: int) -> np.ndarray:
    """Of each group."""
    groups = pooled.groups
    place = places(values, groups)
    hit = pooled.labels & (place < k)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    hits = np.bincount(groups[hit], minlength=len(pooled.relevant))
    gains = np.bincount(groups[hit], discounts[place[hit]], len(pooled.relevant))
    ideal = np.cumsum(discounts)[np.minimum(pooled.relevant, k) - 1]
    return (hits / pooled.relevant + gains / ideal) / 2


def blend(pooled: Pooled, k: int, seed: int, say: Say) -> Blend:
    """Weights and trees learnt from pools whose labels are known; a fifth of the users says when the trees stop."""
    draw = np.random.default_rng(seed)
    users = np.unique(pooled.users)
    stops = np.isin(
        pooled.users, users[draw.random(len(users)) < 0.2]
    )  # a user's groups, of several carvings, together
    searched = np.zeros(len(stops), bool)
    searched[draw.permutation(np.flatnonzero(~stops))[:_SEARCHED]] = True
    weights = search(pooled.of_groups(searched), k, draw, say)
    trees = _trees(pooled, scaled(pooled.scores) @ weights, stops, seed)
    plain, ranked = Blend(weights, None), Blend(weights, trees)
    held = pooled.of_groups(stops)
    # scaled over all rows, not the held alone, as they will be
    sums, corrected = (one.scores(pooled)[stops[pooled.groups]] for one in (plain, ranked))
    gains = worths(corrected, held, k) - worths(sums, held, k)
    certain = gains.mean() > 2 * gains.std() / max(len(gains), 1) ** 0.5
    say(f"fused: the sum {worth(sums, held, k):.4f}, {trees.best_iteration} trees on it {gains.mean():+.4f}")
    return ranked if certain else plain


def search(pooled: Pooled, k: int, draw: np.random.Generator, say: Say) -> np.ndarray:
    """Weights by coordinate search from several starts: each member in turn is weighed up and down, or left out."""
    values = _Padded.of(pooled, k)
    n = pooled.scores.shape[1]
    starts = [np.ones(n), *(draw.dirichlet(np.ones(n)) for _ in range(_STARTS))]
    alone = [values.worth(row) for row in np.eye(n)]
    starts.append(np.eye(n)[int(np.argmax(alone))] + 0.05)
    found = []
    for start in starts:
        found.append(_climbed(values, start / start.sum(), draw))
        say(f"fused: weights {np.round(found[-1][1], 3).tolist()} {found[-1][0]:.4f}, the best alone {max(alone):.4f}")
    highest = max(worth for worth, _ in found)
    return np.mean([weights for worth, weights in found if worth > 0.99 * highest], axis=0)  # equals, so less noise


def _climbed(values: "_Padded", start: np.ndarray, draw: np.random.Generator) -> tuple[float, np.ndarray]:
    best, weights = values.worth(start), start
    for _ in range(8):
        before = best
        for member in draw.permutation(len(start)):
            steps = [weights[member] * step for step in _STEPS]
            steps.append(weights[member] + 0.1)
            for step in steps:
                tried = weights.copy()
                tried[member] = step
                if tried.any() and (got := values.worth(tried)) > best:
                    best, weights = got, tried / tried.sum()
        if best < before * 1.0005:
            break
    return best, weights


@dataclass(frozen=True)
class _Padded:
    """A pool as (members, groups, width), so that a worth is a sum and a partition."""

    scores: np.ndarray
    labels: np.ndarray
    relevant: np.ndarray
    k: int

    @classmethod
    def of(cls, pooled: Pooled, k: int) -> "_Padded":
        groups = pooled.groups
        place = np.arange(len(groups)) - pooled.indptr[groups]
        shape = len(pooled.relevant), max(int(np.diff(pooled.indptr).max(initial=0)), k)
        scores = np.full((pooled.scores.shape[1], *shape), -np.inf, np.float32)
        scores[:, groups, place] = scaled(pooled.scores).T
        labels = np.zeros(shape, bool)
        labels[groups, place] = pooled.labels
        return cls(np.where(np.isfinite(scores), scores, np.float32(-1e6)), labels, pooled.relevant, k)

    def worth(self, weights: np.ndarray) -> float:
        """As `worth`, of the weighted sum."""
        fused = np.zeros(self.labels.shape, np.float32)
        for weight, scores in zip(weights, self.scores, strict=True):
            if weight:
                fused += np.float32(weight) * scores
        first = np.argpartition(-fused, self.k - 1, axis=1)[:, : self.k]
        order = np.argsort(-np.take_along_axis(fused, first, 1), axis=1, kind="stable")
        hits = np.take_along_axis(self.labels, np.take_along_axis(first, order, 1), 1)
        discounts = 1 / np.log2(np.arange(2, self.k + 2))
        ideal = np.cumsum(discounts)[np.minimum(self.relevant, self.k) - 1]
        return float((hits.sum(axis=1) / self.relevant + hits @ discounts / ideal).mean() / 2)


def _highest(values: np.ndarray, groups: np.ndarray, n: int) -> np.ndarray:
    out = np.full(n, -np.inf)
    np.maximum.at(out, groups, values)
    return out


def _trees(pooled: Pooled, fused: np.ndarray, stops: np.ndarray, seed: int) -> lgb.Booster:
    place = places(fused, pooled.groups)
    first = pooled.rows(place < RANKED)
    seen = Seen.of(first, fused[place < RANKED])
    useful = np.bincount(first.groups, first.labels, len(first.relevant)) > 0
    parts = []
    for mark in (useful & ~stops, useful & stops):
        rows, sizes = mark[first.groups], np.diff(first.indptr)[mark]
        labels = first.labels[rows].astype(int)
        parts.append(lgb.Dataset(seen.inputs[rows], labels, group=sizes, init_score=seen.start[rows]))
    settings = {**_LIGHTGBM, "seed": seed, "metric": "ndcg", "eval_at": [20], "lambdarank_truncation_level": 60}
    stopping = lgb.early_stopping(_PATIENCE, verbose=False)
    return lgb.train(settings, parts[0], _TREES, valid_sets=[parts[1]], callbacks=[stopping])
