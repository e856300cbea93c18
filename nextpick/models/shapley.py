"""How far each feature moves a ranker's score: the Shapley values of its trees, several times as fast as LightGBM.

A leaf is reached by the conditions of its path; those on one feature are one condition. With a share t of the features
known, each by itself, a row comes to the leaf with the product, over the path's features j, of t * o_j + (1 - t) * z_j:
o_j is 1 where the row meets the conditions on j, else 0, and z_j is the share of the training rows that do, fork by
fork. A feature's Shapley value is the mean over t from 0 to 1 of what knowing it changes (Owen, *Multilinear Extensions
of Games*, 1972), of leaf value v: v * (o_j - z_j) * the integral of the product over the others. That is a polynomial
of t, which Gauss and Legendre's rule sums up exactly at half as many points as it has degrees.

What is known of a row's way where a feature is not, is as in Lundberg, Erion, Lee, *Consistent Individualized Feature
Attribution for Tree Ensembles* (2018), so that the values are those of LightGBM's `pred_contrib`, but for rounding.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from types import ModuleType
from typing import Self

import numpy as np

from nextpick.models import ranker_text
from nextpick.models.trees import sides

MOST_FEATURES = 128  # on one path; of trees with more the values are LightGBM's own
_LEAST = 1e-12  # of a share: no row came this way, but one may
_CONDITION = np.dtype(
    [("feature", np.int64), ("above", np.float32), ("most", np.float32), ("nan", np.bool_), ("share", np.float64)]
)
_Leaf = tuple[float, np.ndarray]


@dataclass(frozen=True)
class Paths:
    """All leaves of all trees, one after the other; leaf l has the value values[l] (float64) and the conditions
    starts[l]:starts[l + 1] (int64), one a feature.

    A row meets a condition (_CONDITION) where its feature is not <= above, and is <= most, or is NaN where nan says
    so; above is NaN where there is no such bound. A share of the training rows did. `expected` is what every row
    starts from.
    """

    starts: np.ndarray
    values: np.ndarray
    conditions: np.ndarray
    expected: float

    @classmethod
    def of(cls, text: str) -> Self | None:
        """From a text that ranker_text.check has passed; None where a split or a path is of another kind."""
        leaves: list[_Leaf] = []
        expected = 0.0
        for tree in ranker_text.trees(text):
            found = _leaves(tree)
            if found is None:
                return None
            leaves += found[0]
            expected += found[1]
        sizes = [len(path) for _, path in leaves]
        if max(sizes, default=0) > MOST_FEATURES:
            return None
        return cls(
            starts=np.append(0, np.cumsum(sizes)).astype(np.int64),
            values=np.array([value for value, _ in leaves], np.float64),
            conditions=np.concatenate([np.empty(0, _CONDITION), *(path for _, path in leaves)]),
            expected=expected,
        )

    @cached_property
    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """Where to look, and with which weight: row p - 1 has p points between 0 and 1, as many as any path needs."""
        most = (int(np.diff(self.starts).max(initial=1)) + 1) // 2
        at, weights = np.zeros((most, most)), np.zeros((most, most))
        for n in range(1, most + 1):
            places, parts = np.polynomial.legendre.leggauss(n)
            at[n - 1, :n], weights[n - 1, :n] = (places + 1) / 2, parts / 2
        return at, weights

    def contributions(self, rows: np.ndarray) -> np.ndarray | None:
        """As Ranker.contributions, of float32 rows (n, features); None without numba."""
        engine = compiled()
        return None if engine is None else np.asarray(engine.contributions(rows, self))


@cache
def compiled() -> ModuleType | None:
    """The kernel, ready to run, which may take seconds of compiling; None without numba, or where that has no folder to
    keep code in."""
    try:
        from nextpick.models.compiled import shapley
    except (ImportError, RuntimeError):
        return None
    one = Paths(np.array([0, 1]), np.ones(1), np.array([(0, *_ANY)], _CONDITION), 0.0)
    shapley.contributions(np.zeros((1, 1), np.float32), one)
    return shapley


def at_hand() -> bool:
    """Whether the kernel was made ready before: then it is worth it for a few rows, too."""
    return compiled.cache_info().currsize > 0 and compiled() is not None


def _leaves(tree: dict[str, np.ndarray]) -> tuple[list[_Leaf], float] | None:
    """Each leaf's value and conditions, and the tree's mean value over the training rows."""
    values = tree["leaf_value"]
    if len(values) == 1:
        return [], float(values[0])
    asked = sides(tree)
    if asked is None:
        return None
    thresholds, nan_left = asked
    counts, split = tree["internal_count"], tree["split_feature"].astype(np.int64).tolist()
    children = tree["left_child"].astype(np.int64).tolist(), tree["right_child"].astype(np.int64).tolist()
    found: list[_Leaf] = []
    waiting: list[tuple[int, dict[int, _Condition]]] = [(0, {})]
    while waiting:
        node, path = waiting.pop()
        if node < 0:  # a leaf is written as ~leaf
            found.append((float(values[~node]), np.array([(f, *one) for f, one in path.items()], _CONDITION)))
            continue
        for left, child in ((True, children[0][node]), (False, children[1][node])):
            came = counts[child] if child >= 0 else tree["leaf_count"][~child]
            share = float(came / max(counts[node], 1.0))
            feature = split[node]
            step = _met(path.get(feature, _ANY), float(thresholds[node]), left, bool(nan_left[node]), share)
            waiting.append((child, {**path, feature: step}))
    total = max(tree["leaf_count"].sum(), 1.0)
    return found, float((values * tree["leaf_count"]).sum() / total)


_Condition = tuple[float, float, bool, float]  # above, most, NaN as well, the share that meets it
_ANY: _Condition = (np.nan, np.inf, True, 1.0)


def _met(before: _Condition, threshold: float, left: bool, nan_left: bool, share: float) -> _Condition:
    """A condition on a feature, and the next fork's beside it."""
    above, most, nan, met = before
    return (
        above if left else float(np.fmax(above, threshold)),
        min(most, threshold) if left else most,
        nan and nan_left == left,
        max(met * share, _LEAST),
    )
