"""Sums of many trees over many rows: the splits of a tree are asked of LANES rows at once, by vectors."""

from typing import TYPE_CHECKING

import numpy as np
from numba import njit, types

from nextpick.models.compiled.tile import lowest

if TYPE_CHECKING:
    from nextpick.models.trees import Trees

LANES = 64
_ALL, _NONE = np.uint32(0xFFFFFFFF), np.uint32(0)
_LONGS, _DOUBLES = types.int64[::1], types.float64[::1]
_SPLITS = types.Tuple((types.int32[::1], types.float32[::1], types.uint32[::1]))


def sums(rows: np.ndarray, trees: "Trees") -> np.ndarray:
    """float64 (n,) of float32 rows, C order; a row adds up tree by tree, as LightGBM does."""
    out = np.empty(len(rows))
    splits = trees.features, trees.thresholds, trees.kept
    _sums(rows, trees.starts, trees.middles, splits, trees.values, out)
    return out


@njit(nogil=True, cache=True)
def _narrow(columns, splits, start, middle, end, leaves):  # type: ignore[no-untyped-def]
    """Clear the leaves that each row passes by. NaN is below nothing and above nothing: the two halves differ in it."""
    features, thresholds, kept = splits
    for split in range(start, middle):
        column, threshold, bits = columns[features[split]], thresholds[split], kept[split]
        for j in range(LANES):
            leaves[j] &= bits | (_ALL if column[j] <= threshold else _NONE)
    for split in range(middle, end):
        column, threshold, bits = columns[features[split]], thresholds[split], kept[split]
        for j in range(LANES):
            leaves[j] &= bits | (_NONE if column[j] > threshold else _ALL)


@njit(
    types.void(types.float32[:, ::1], _LONGS, _LONGS, _SPLITS, types.float64[:, ::1], _DOUBLES), nogil=True, cache=True
)
def _sums(rows, starts, middles, splits, values, out):  # type: ignore[no-untyped-def]
    columns = np.empty((rows.shape[1], LANES), np.float32)
    leaves, totals = np.empty(LANES, np.uint32), np.empty(LANES)
    for start in range(0, len(rows), LANES):
        size = min(LANES, len(rows) - start)
        columns[:] = 0
        for j in range(size):
            columns[:, j] = rows[start + j]
        totals[:] = 0
        for tree in range(len(middles)):
            leaves[:] = _ALL
            _narrow(columns, splits, starts[tree], middles[tree], starts[tree + 1], leaves)
            for j in range(LANES):
                totals[j] += values[tree, lowest(np.uint64(leaves[j]))]
        out[start : start + size] = totals[:size]
