"""What is put in order, and looked up in it: what numba has for that takes seconds to compile."""

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def ordered(keys):  # type: ignore[no-untyped-def]
    """Where each of the keys (float64) stands once they ascend, int64; equal ones keep their order. Merge sort: numba's
    own takes ten times as long to compile."""
    n, width = len(keys), 1
    order, merged = np.empty(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        order[i] = i
    while width < n:
        for start in range(0, n, 2 * width):
            middle, end = min(start + width, n), min(start + 2 * width, n)
            left, right = start, middle
            for i in range(start, end):
                if right == end or (left < middle and keys[order[left]] <= keys[order[right]]):
                    merged[i] = order[left]
                    left += 1
                else:
                    merged[i] = order[right]
                    right += 1
        order, merged = merged, order
        width *= 2
    return order


@njit(nogil=True, cache=True)
def first(values, least):  # type: ignore[no-untyped-def]
    """Where among ascending values the first stands that is not below `least`."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < least:
            low = middle + 1
        else:
            high = middle
    return low
