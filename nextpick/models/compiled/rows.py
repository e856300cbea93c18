"""Scores kept as rows of a sparse matrix: made, cut to their best, and looked up, a user at a time."""

import numpy as np
from numba import njit

from nextpick.models.compiled.topn import key, select


def product(
    user_items: tuple[np.ndarray, np.ndarray, np.ndarray], weights: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """user_items @ weights without its zeros; all three are indptr, columns, float32 values; columns ascend.

    A score adds up in the order of the user's items, each addend rounded: the bits of SciPy's sparse product.
    """
    indptr = np.zeros(len(user_items[0]), np.int64)
    most = np.minimum(_reach(user_items[0], user_items[1], weights[0]), len(weights[0]) - 1)
    columns, values = np.empty(most.sum(), np.int32), np.empty(most.sum(), np.float32)
    _product(*user_items, *weights, indptr, columns, values)
    return indptr, columns[: indptr[-1]], values[: indptr[-1]]


@njit(nogil=True, cache=True)
def _reach(indptr, items, weights_indptr):  # type: ignore[no-untyped-def]
    """How many addends each user has."""
    out = np.zeros(len(indptr) - 1, np.int64)
    for user in range(len(out)):
        for at in range(indptr[user], indptr[user + 1]):
            out[user] += weights_indptr[items[at] + 1] - weights_indptr[items[at]]
    return out


@njit(nogil=True, cache=True)
def _product(  # type: ignore[no-untyped-def]  # noqa: PLR0913
    indptr, items, strengths, w_indptr, w_items, w_values, out_indptr, out_items, out_values
):
    sums = np.zeros(len(w_indptr) - 1, np.float32)
    size = 0
    for user in range(len(indptr) - 1):
        for at in range(indptr[user], indptr[user + 1]):
            strength, item = strengths[at], items[at]
            for other in range(w_indptr[item], w_indptr[item + 1]):
                sums[w_items[other]] += strength * w_values[other]
        for item in range(len(sums)):
            if sums[item] != 0:
                out_items[size] = item
                out_values[size] = sums[item]
                sums[item] = 0
                size += 1
        out_indptr[user + 1] = size


@njit(nogil=True, cache=True)
def best(indptr, columns, values, barred_indptr, barred, out):  # type: ignore[no-untyped-def]
    """Keys (see compiled/topn.py) of each user's best entries that are not barred, in any order, into `out`, uint64
    (users, n), 0 where there are fewer. NaN and -inf are out."""
    n = out.shape[1]
    keys = np.empty(1, np.uint64)
    for user in range(len(out)):
        start, end = indptr[user], indptr[user + 1]
        if len(keys) < end - start:
            keys = np.empty(end - start, np.uint64)
        at, last, size = barred_indptr[user], barred_indptr[user + 1], 0
        for entry in range(start, end):
            while at < last and barred[at] < columns[entry]:
                at += 1
            if (at == last or barred[at] != columns[entry]) and values[entry] > -np.inf:
                keys[size] = key(values[entry], columns[entry])
                size += 1
        select(keys, size, n)
        size = min(size, n)
        out[user, :size] = keys[:size]
        out[user, size:] = 0


@njit(nogil=True, cache=True)
def found(indptr, columns, values, users, items):  # type: ignore[no-untyped-def]
    """The value of each (user, item), float32; NaN where there is none."""
    out = np.empty(len(users), np.float32)
    for pair in range(len(users)):
        low, high = indptr[users[pair]], indptr[users[pair] + 1]
        end = high
        while low < high:
            middle = (low + high) // 2
            if columns[middle] < items[pair]:
                low = middle + 1
            else:
                high = middle
        out[pair] = values[low] if low < end and columns[low] == items[pair] else np.nan
    return out


@njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def dots(left, right, users, items):  # type: ignore[no-untyped-def]
    """left[users] . right[items], float64: whole numbers whose sums are exact, so their order may be any."""
    out = np.empty(len(users))
    for pair in range(len(users)):
        total = 0.0
        for factor in range(left.shape[1]):
            total += left[users[pair], factor] * right[items[pair], factor]
        out[pair] = total
    return out
