"""Exact top-N, fused: scores are compared with each user's bar in registers, and only those above it are kept.

A user's bar is the n-th best of what was kept so far; it rises whenever their room is full, to which the n best are
cut by quickselect. Of 20,000 items about 600 pass it. A kept score and its item are one number, the key, that orders
them: higher scores first, then lower items.
"""

import numpy as np
from numba import njit

from nextpick.models.compiled.tile import PANEL, ROWS, bits_of, float_of, lowest, tile

USERS = 16 * ROWS  # whose panels, rooms and bars lie in the second cache while the items pass
_SIGN, _ALL, _ONE, _HALF = np.uint32(0x80000000), np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(1), np.uint64(32)


def panels(vectors: np.ndarray) -> np.ndarray:
    """Item vectors, float32 (items, factors), as `best` reads them: (panels, factors, PANEL), zeros at the end."""
    shape = (-(-len(vectors) // PANEL), vectors.shape[1], PANEL)
    room = np.empty(int(np.prod(shape)) + 16, np.float32)
    start = -room.ctypes.data % 64 // 4  # a vector's load does not cross a cache line
    out = room[start : start + room.size - 16].reshape(shape)
    _interleave(vectors, out)
    return out


def best(
    vectors: np.ndarray, panels: np.ndarray, n_items: int, n: int, indptr: np.ndarray, barred: np.ndarray
) -> np.ndarray:
    """Keys of each user's n best, uint64 (users, n), ascending; 0 stands first where there are fewer.

    vectors is float32 (users, factors), C order; barred (int32) has the items of user u, ascending, that are left out,
    at indptr[u]:indptr[u + 1] (int64).
    """
    out = np.zeros((len(vectors), n), np.uint64)
    _scan(vectors, panels, n_items, indptr, barred, out)
    out.sort(axis=1)  # NumPy's sort has vectors, ours would not
    return out


def decoded(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Items (int32, -1 for no key) and scores (float32, -inf likewise)."""
    high = (keys >> _HALF).astype(np.uint32)
    scores = np.where(high & _SIGN, high ^ _SIGN, ~high).view(np.float32)
    items = (~keys.astype(np.uint32)).view(np.int32)
    return np.where(keys > 0, items, np.int32(-1)), np.where(keys > 0, scores, np.float32(-np.inf))


def encoded(scores: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Keys of scores (float32) and items (int32)."""
    bits = (scores + np.float32(0)).view(np.uint32)  # -0.0 equals 0.0
    ordered = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    return (ordered.astype(np.uint64) << _HALF) | ~items.view(np.uint32)


@njit(nogil=True, cache=True)
def _scan(vectors, panels, n_items, indptr, barred, out):  # type: ignore[no-untyped-def]
    n, factors = out.shape[1], vectors.shape[1]
    packed = np.empty((USERS // ROWS, factors, ROWS), np.float32)
    kept = np.empty((USERS, n + 3 * PANEL), np.uint64)
    bars, sizes, cursors = np.empty(USERS, np.float32), np.empty(USERS, np.int64), np.empty(USERS, np.int64)
    scores, hits = np.empty((ROWS, PANEL), np.float32), np.empty(ROWS, np.uint64)
    users_at, bars_at, items_at = packed.ctypes.data, bars.ctypes.data, panels.ctypes.data
    scores_at, hits_at = scores.ctypes.data, hits.ctypes.data
    for start in range(0, len(vectors), USERS):
        users = min(USERS, len(vectors) - start)
        _interleave(vectors[start : start + users], packed)
        bars[:users], bars[users:], sizes[:] = -np.inf, np.inf, 0
        cursors[:users] = indptr[start : start + users]
        for p in range(len(panels)):
            valid = _ALL if n_items - p * PANEL >= 64 else (_ONE << np.uint64(n_items - p * PANEL)) - _ONE
            for g in range(-(-users // ROWS)):
                user_at, item_at = users_at + g * factors * ROWS * 4, items_at + p * factors * PANEL * 4
                if tile(user_at, item_at, factors, bars_at + g * ROWS * 4, scores_at, hits_at):
                    for r in range(min(ROWS, users - g * ROWS)):
                        u, mask = g * ROWS + r, hits[r] & valid
                        if mask:
                            mask, cursors[u] = _allowed(mask, p * PANEL, barred, cursors[u], indptr[start + u + 1])
                            sizes[u] = _add(kept[u], sizes[u], mask, scores[r], p * PANEL)
                            if sizes[u] > n + 2 * PANEL:
                                select(kept[u], sizes[u], n)
                                sizes[u], bars[u] = n, _score(kept[u, n - 1])
        for u in range(users):
            select(kept[u], sizes[u], n)
            size = min(sizes[u], n)
            out[start + u, :size] = kept[u, :size]


@njit(nogil=True, cache=True)
def _allowed(mask, first, barred, cursor, end):  # type: ignore[no-untyped-def]
    """The mask without the barred items, and where those of the next panel begin."""
    while cursor < end and barred[cursor] < first + PANEL:
        if barred[cursor] >= first:
            mask &= ~(_ONE << np.uint64(barred[cursor] - first))
        cursor += 1
    return mask, cursor


@njit(nogil=True, cache=True)
def _add(kept, size, mask, scores, first):  # type: ignore[no-untyped-def]
    """Keep what the mask marks; returns the new size."""
    while mask:
        j = lowest(mask)
        mask &= mask - _ONE
        kept[size] = key(scores[j], first + j)
        size += 1
    return size


@njit(nogil=True, cache=True)
def key(score, item):  # type: ignore[no-untyped-def]
    """Of a float32 and its item."""
    bits = bits_of(score)
    if bits == _SIGN:
        bits = np.uint32(0)  # -0.0 equals 0.0
    ordered = ~bits if bits & _SIGN else bits | _SIGN
    return (np.uint64(ordered) << _HALF) | np.uint64(~np.uint32(item))


@njit(nogil=True, cache=True)
def _score(key):  # type: ignore[no-untyped-def]
    high = np.uint32(key >> _HALF)
    return float_of(high ^ _SIGN if high & _SIGN else ~high)


@njit(nogil=True, cache=True)
def select(keys, size, n):  # type: ignore[no-untyped-def]
    """Reorder keys[:size], all different, so that the n highest come first, the n-th of them last of these.

    Quickselect whose partition has no branch to mispredict.
    """
    low, high = 0, size - 1 if size > n else 0
    while low < high:
        first, middle, last = keys[low], keys[(low + high) // 2], keys[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        keys[low if pivot == first else (low + high) // 2 if pivot == middle else high] = last
        above = low
        for i in range(low, high):
            key = keys[i]
            keys[i] = keys[above]
            keys[above] = key
            above += int(key > pivot)
        keys[high] = keys[above]
        keys[above] = pivot
        low, high = (low, above - 1) if above >= n else (above + 1, high)
        if above == n - 1:
            return


@njit(nogil=True, cache=True)
def _interleave(vectors, out):  # type: ignore[no-untyped-def]
    """(n, factors) -> (blocks, factors, width), zeros beyond the n-th."""
    width = out.shape[2]
    for block in range(len(out)):
        for j in range(width):
            at = block * width + j
            for k in range(out.shape[1]):
                out[block, k, j] = vectors[at, k] if at < len(vectors) else np.float32(0)
