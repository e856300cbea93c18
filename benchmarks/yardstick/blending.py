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
    """weights (float64, (members,)) of scaled scores, and the trees that reorder the sum's best; None where the sum
    alone ranked the validation better.
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
        out = -1e9 - place.astype(np.float64)  # the others keep their order, behind
        out[first] = self.trees.predict(_inputs(pooled.rows(first), fused[first]), num_threads=0)
        return out


def scaled(scores: np.ndarray) -> np.ndarray:
    """Each column by its standard deviation over all rows, float32."""
    spread = scores.std(axis=0, dtype=np.float64)
    return scores / np.where(spread > 0, spread, 1).astype(np.float32)


def worth(values: np.ndarray, pooled: Pooled, k: int) -> float:
    """The mean of recall@k and ndcg@k over the groups, of a pool ranked by these values."""
    groups = pooled.groups
    place = places(values, groups)
    hit = pooled.labels & (place < k)
    discounts = 1 / np.log2(np.arange(2, k + 2))
    hits = np.bincount(groups[hit], minlength=len(pooled.relevant))
    gains = np.bincount(groups[hit], discounts[place[hit]], len(pooled.relevant))
    ideal = np.cumsum(discounts)[np.minimum(pooled.relevant, k) - 1]
    return float((hits / pooled.relevant + gains / ideal).mean() / 2)


def blend(pooled: Pooled, k: int, seed: int, say: Say) -> Blend:
    """Weights and trees learnt from pools whose labels are known; the last fifth of the groups stops the trees."""
    draw = np.random.default_rng(seed)
    n = len(pooled.relevant)
    stops = draw.random(n) < 0.2
    weights = search(_groups(pooled, draw.permutation(np.flatnonzero(~stops))[:_SEARCHED]), k, draw, say)
    trees = _trees(pooled, scaled(pooled.scores) @ weights, stops, seed)
    plain, ranked = Blend(weights, None), Blend(weights, trees)
    held = _groups(pooled, np.flatnonzero(stops))
    # scaled over all rows, not the held alone, so that both are what they will be
    sums, reordered = (one.scores(pooled)[stops[pooled.groups]] for one in (plain, ranked))
    gained = worth(reordered, held, k), worth(sums, held, k)
    say(f"fused: {trees.best_iteration} trees {gained[0]:.4f}, the sum alone {gained[1]:.4f}")
    return ranked if gained[0] > gained[1] else plain


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
    return max(found, key=lambda pair: pair[0])[1]


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


def _groups(pooled: Pooled, kept: np.ndarray) -> Pooled:
    """Only these groups, ascending."""
    mark = np.zeros(len(pooled.relevant), bool)
    mark[kept] = True
    rows = mark[pooled.groups]
    sizes = np.diff(pooled.indptr)[mark]
    return Pooled(
        np.concatenate([[0], np.cumsum(sizes)]),
        pooled.items[rows],
        pooled.scores[rows],
        pooled.labels[rows],
        pooled.relevant[mark],
        pooled.features[rows],
    )


def _inputs(first: Pooled, fused: np.ndarray) -> np.ndarray:
    """What the trees see of each of the fused best: scores, places, the sum and its place, popularity, activity."""
    groups = first.groups
    values = [*scaled(first.scores).T, fused]
    seen = [places(column, groups) for column in values]
    return np.column_stack([*values, *seen, first.features]).astype(np.float32)


def _trees(pooled: Pooled, fused: np.ndarray, stops: np.ndarray, seed: int) -> lgb.Booster:
    place = places(fused, pooled.groups)
    first = pooled.rows(place < RANKED)
    inputs = _inputs(first, fused[place < RANKED])
    useful = np.bincount(first.groups, first.labels, len(first.relevant)) > 0
    parts = []
    for mark in (useful & ~stops, useful & stops):
        rows = mark[first.groups]
        sizes = np.diff(first.indptr)[mark]
        parts.append(lgb.Dataset(inputs[rows], first.labels[rows].astype(int), group=sizes, free_raw_data=False))
    settings = {**_LIGHTGBM, "seed": seed, "metric": "ndcg", "eval_at": [20], "lambdarank_truncation_level": 30}
    stopping = lgb.early_stopping(_PATIENCE, verbose=False)
    return lgb.train(settings, parts[0], _TREES, valid_sets=[parts[1]], callbacks=[stopping])
