"""Shapley values of trees, leaf by leaf, of LANES rows at once by vectors."""

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from nextpick.models.shapley import Paths

LANES = 16


def contributions(rows: np.ndarray, paths: "Paths") -> np.ndarray:
    """float64 (n, features + 1) of float32 rows."""
    out = np.zeros((len(rows), rows.shape[1] + 1))
    out[:, -1] = paths.expected
    all_ = paths.conditions
    conditions = tuple(np.ascontiguousarray(all_[name]) for name in ("feature", "above", "most", "nan", "share"))
    _contributions(rows, paths.starts, paths.values, conditions, *paths.points, out)
    return out


@njit(nogil=True, cache=True, error_model="numpy")
def _meets(columns, conditions, first, end, met):  # type: ignore[no-untyped-def]
    """1 where a row meets a condition, else 0."""
    features, above, most, nan, _ = conditions
    for c in range(first, end):
        column, low, high, either, out = columns[features[c]], above[c], most[c], nan[c], met[c - first]
        for lane in range(LANES):
            value = column[lane]
            out[lane] = 1.0 if (not value <= low and value <= high) or (either and value != value) else 0.0


@njit(nogil=True, cache=True, error_model="numpy")
def _weigh(met, shares, at, weights, product, worth):  # type: ignore[no-untyped-def]
    """The integral, for each condition, of the product over all others."""
    n, points = len(shares), (len(shares) + 1) // 2
    worth[:n] = 0.0
    for k in range(points):
        t = at[points - 1, k]
        product[:] = weights[points - 1, k]
        for j in range(n):
            unknown, own = (1 - t) * shares[j], met[j]
            for lane in range(LANES):
                product[lane] *= unknown + t * own[lane]
        for j in range(n):
            unknown, own, sums = (1 - t) * shares[j], met[j], worth[j]
            without, more = 1 / unknown, 1 / (unknown + t) - 1 / unknown
            for lane in range(LANES):
                sums[lane] += product[lane] * (without + more * own[lane])


@njit(nogil=True, cache=True, error_model="numpy")
def _contributions(rows, starts, values, conditions, at, weights, out):  # type: ignore[no-untyped-def]
    features, shares = conditions[0], conditions[4]
    widest = 2 * len(at)
    columns, moved = np.zeros((rows.shape[1], LANES), np.float32), np.empty((rows.shape[1], LANES))
    met, worth, product = np.empty((widest, LANES)), np.empty((widest, LANES)), np.empty(LANES)
    for start in range(0, len(rows), LANES):
        size = min(LANES, len(rows) - start)
        for lane in range(size):
            columns[:, lane] = rows[start + lane]
        moved[:] = 0.0
        for leaf in range(len(values)):
            first, end, value = starts[leaf], starts[leaf + 1], values[leaf]
            _meets(columns, conditions, first, end, met)
            _weigh(met, shares[first:end], at, weights, product, worth)
            for j in range(end - first):
                total, own, sums, share = moved[features[first + j]], met[j], worth[j], shares[first + j]
                for lane in range(LANES):
                    total[lane] += value * (own[lane] - share) * sums[lane]
        for lane in range(size):
            out[start + lane, :-1] = moved[:, lane]
