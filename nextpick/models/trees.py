"""A ranker's trees as arrays, for scoring many rows at once: to the bit what LightGBM says, several times as fast.

A tree of at most 32 leaves, numbered from the left, is a set of bits for each row: every split that sends the row to
the right clears the bits of the leaves on its left, in whatever order, and the lowest bit left is the row's leaf.
Lucchese, Nardini, Orlando, Perego, Tonellotto, Venturini, *QuickScorer* (SIGIR 2015).
"""

from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Self

import numpy as np

from nextpick.features import pair
from nextpick.models import ranker_text

MOST_LEAVES = 32
_DEFAULT_LEFT, _NAN_IS_MISSING, _ZERO_IS_MISSING = 2, 8, 4


@dataclass(frozen=True)
class Trees:
    """Tree t has the splits starts[t]:starts[t + 1], those from middles[t] on being the ones that send NaN left.

    A split sends a row to the left where its features[split] <= thresholds[split] (float32), else it leaves the bits
    `kept` (uint32). values is float64 (trees, MOST_LEAVES), leaves from the left.
    """

    starts: np.ndarray
    middles: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    kept: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, text: str) -> Self | None:
        """From a text that ranker_text.check has passed; None where a tree is larger, or a split of another kind."""
        trees = [_tree(pairs) for pairs in ranker_text.trees(text)]
        whole = [tree for tree in trees if tree is not None]
        if not whole or len(whole) < len(trees):
            return None
        sizes = [len(splits) for splits, _, _ in whole]
        starts = np.cumsum([0, *sizes])
        splits = np.concatenate([splits for splits, _, _ in whole])
        return cls(
            starts=starts,
            middles=starts[:-1] + [middle for _, middle, _ in whole],
            features=splits["feature"].copy(),
            thresholds=splits["threshold"].copy(),
            kept=splits["kept"].copy(),
            values=np.stack([values for _, _, values in whole]),
        )

    def predict(self, rows: np.ndarray) -> np.ndarray | None:
        """The sum of the trees' values, float64 (n,), of float32 rows (n, features); None without numba."""
        engine = compiled()
        return None if engine is None else np.asarray(engine.sums(np.ascontiguousarray(rows), self))


@cache
def compiled() -> ModuleType | None:
    """The kernel, and with it that of the features, which `pair_features` uses from now on.

    It takes a second to load, and where it was never loaded before some more to compile; None without numba, or where
    that has no folder to keep code in.
    """
    try:
        from nextpick.models.compiled import pairs, trees
    except (ImportError, RuntimeError):
        return None
    pair.use(pairs)
    return trees


def at_hand() -> bool:
    """Whether the kernel was loaded before: then it is worth it for a few rows, too."""
    return compiled.cache_info().currsize > 0 and compiled() is not None


_SPLIT = np.dtype([("feature", np.int32), ("threshold", np.float32), ("kept", np.uint32)])


def _tree(pairs: dict[str, np.ndarray]) -> tuple[np.ndarray, int, np.ndarray] | None:
    """Its splits (_SPLIT), how many of them send NaN right, which come first, and its values."""
    leaves = pairs["leaf_value"]
    values = np.zeros(MOST_LEAVES)
    if len(leaves) == 1:
        values[0] = leaves[0]
        return np.empty(0, _SPLIT), 0, values
    asked = sides(pairs)
    if len(leaves) > MOST_LEAVES or asked is None:
        return None
    below, goes_left = asked
    order, kept = _from_the_left(pairs["left_child"].astype(np.int64), pairs["right_child"].astype(np.int64))
    values[: len(order)] = leaves[order]
    splits = np.empty(len(kept), _SPLIT)
    splits["feature"], splits["threshold"], splits["kept"] = pairs["split_feature"], below, kept
    return np.concatenate([splits[~goes_left], splits[goes_left]]), int((~goes_left).sum()), values


def sides(pairs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray] | None:
    """Of each split of a tree the highest float32 that goes left, and whether NaN does; None where one is of another
    kind."""
    kinds, thresholds = pairs["decision_type"].astype(np.int64), pairs["threshold"]
    if (kinds & _ZERO_IS_MISSING).any() or np.isnan(thresholds).any():
        return None
    nan_left = np.where(kinds & _NAN_IS_MISSING, kinds & _DEFAULT_LEFT > 0, thresholds >= 0)  # else NaN counts as 0
    return _below(thresholds), nan_left


def _below(thresholds: np.ndarray) -> np.ndarray:
    """The highest float32 that is not above each: a float32 is at most the one just where it is at most the other."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    return np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def _from_the_left(left: np.ndarray, right: np.ndarray) -> tuple[list[int], np.ndarray]:
    """The leaves from left to right, and for each split the bits of those that are not on its left (uint32)."""
    order: list[int] = []
    kept = np.full(len(left), 0xFFFFFFFF, np.uint32)
    first = np.zeros(len(left), np.int64)
    waiting = [(0, False)]
    while waiting:
        node, left_done = waiting.pop()
        if node < 0:  # a leaf is written as ~leaf
            order.append(~node)
        elif not left_done:
            first[node] = len(order)
            waiting += [(node, True), (int(left[node]), False)]
        else:
            kept[node] = 0xFFFFFFFF ^ ((1 << len(order)) - (1 << int(first[node])))
            waiting.append((int(right[node]), False))
    return order, kept
