"""The families of nextpick.features.pair, compiled: to the bit what their NumPy forms say, for one user or for many.

What rounds differently from library to library, logarithms, powers and sums of products, stays NumPy's, so that nothing
here but the four operations of IEEE 754 touches a value.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numba import njit, types

from nextpick.features.affinity import CATEGORY_FEATURES, LAST_ITEMS, SIMILAR_FEATURES, cosines
from nextpick.features.histories import Histories
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.features.own import HALF_LIFE_DAYS, OWN_FEATURES, POPULARITY_WORTH, pulls
from nextpick.features.pair import OF_ITEM, Pool
from nextpick.features.user import USER_FEATURES
from nextpick.models.compiled.ordered import first, ordered
from nextpick.schema import US_PER_DAY

USER = len(ITEM_FEATURES)  # where in a row of all families each begins
OWN = USER + len(USER_FEATURES)
CATEGORY = OWN + len(OWN_FEATURES)
SIMILAR = CATEGORY + len(CATEGORY_FEATURES)
_FAMILIES = (*OF_ITEM, *USER_FEATURES, *OWN_FEATURES, *CATEGORY_FEATURES, *SIMILAR_FEATURES)
_NAN = np.nan
_NOBODY = np.empty((0, LAST_ITEMS), np.float32)
# What the three that Python calls are given: compiled for that at import, so that no request waits for a compiler.
_INTS, _LONGS, _DOUBLES, _FLOATS = types.int32[::1], types.int64[::1], types.float64[::1], types.float32[:, ::1]
_ENTRIES = types.Tuple((_INTS, _INTS, _DOUBLES, _LONGS, _LONGS))
_ITEMS = types.Tuple((_FLOATS, _DOUBLES, _DOUBLES, _LONGS))
_LIKENESS = types.Tuple((types.int64[:, ::1], _FLOATS))


def features(
    pool: Pool, own: Histories, local: np.ndarray, table: ItemTable, wanted: Sequence[str]
) -> np.ndarray | None:
    """pair_features of candidates whose user is in row local[j] of `own`; None where a wanted feature is not here."""
    where = _where(tuple(wanted), pool.generators, pool.vectors is not None)
    if where is None:
        return None
    item_rows, counts = _ints(own.item_rows), _ints(own.counts)
    indptr, first_at, last_at = _longs(own.indptr), _longs(own.first_at), _longs(own.last_at)
    latest, similar = _latest(indptr, item_rows, last_at), _NOBODY
    if pool.vectors is not None:
        similar = cosines(latest, local, pool.item_rows, pool.vectors)
    out = np.empty((len(local), len(wanted)), np.float32)
    entries = item_rows, counts, pulls(own, HALF_LIFE_DAYS), first_at, last_at
    items = table.by_item, table.week_shares, table.log_prices, _longs(table.category_codes)
    _fill(out, where, _longs(local), _ints(pool.item_rows), own.as_of, indptr, entries, items, (latest, similar))
    scores, ranks = np.ascontiguousarray(pool.scores, np.float32), np.ascontiguousarray(pool.ranks, np.int16)
    _generated(out, where[len(_FAMILIES) :], scores, ranks)
    return out


def _ints(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.int32)


def _longs(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, np.int64)


@lru_cache(64)
def _where(wanted: tuple[str, ...], generators: tuple[str, ...], vectors: bool) -> np.ndarray | None:
    """The column of each feature this file computes, int64, -1 where it is not wanted: the families', then each
    generator's score, then each one's rank."""
    known = _FAMILIES if vectors else _FAMILIES[:SIMILAR]
    names = (*_FAMILIES, *(f"{name}_score" for name in generators), *(f"{name}_rank" for name in generators))
    if not set(wanted) <= {*known, *names[len(_FAMILIES) :]} or len(set(wanted)) < len(wanted):
        return None
    columns = {name: column for column, name in enumerate(wanted)}
    return np.array([columns.get(name, -1) for name in names], np.int64)


@njit(types.void(_FLOATS, _LONGS, _FLOATS, types.int16[:, ::1]), nogil=True, cache=True)
def _generated(out, where, scores, ranks):  # type: ignore[no-untyped-def]
    n = scores.shape[1]
    for g in range(n):
        score, rank = where[g], where[n + g]
        for j in range(len(out)):
            if score >= 0:
                out[j, score] = scores[j, g]
            if rank >= 0:
                out[j, rank] = ranks[j, g] if ranks[j, g] >= 0 else _NAN


@njit(types.int64[:, ::1](_LONGS, _INTS, _LONGS), nogil=True, cache=True)
def _latest(indptr, items, last_at):  # type: ignore[no-untyped-def]
    """Each user's LAST_ITEMS items taken last, -1 where there are fewer: int64 (users, LAST_ITEMS); ties to the lower
    row, which comes first."""
    out, at = np.empty((len(indptr) - 1, LAST_ITEMS), np.int64), np.empty(LAST_ITEMS, np.int64)
    out[:] = -1
    for user in range(len(out)):
        found = 0
        for i in range(indptr[user], indptr[user + 1]):
            if found == LAST_ITEMS and last_at[i] <= at[found - 1]:
                continue
            place = min(found, LAST_ITEMS - 1)
            while place > 0 and at[place - 1] < last_at[i]:
                at[place], out[user, place] = at[place - 1], out[user, place - 1]
                place -= 1
            at[place], out[user, place] = last_at[i], items[i]
            found = min(found + 1, LAST_ITEMS)
    return out


@njit(nogil=True, cache=True, error_model="numpy")
def _user(row, as_of, mine, log_prices):  # type: ignore[no-untyped-def]
    """USER_FEATURES into the row; returns the user's days, ascending."""
    items, counts, _, first_at, last_at = mine
    n, interactions, total, priced = len(items), 0.0, 0.0, 0
    for i in range(n):
        interactions += counts[i]
        if not np.isnan(log_prices[items[i]]):
            total += log_prices[items[i]]
            priced += 1
    days = _days(first_at, last_at)
    newest = days[-1] if n else 0
    on_last, new, idle, tenure = 0, 0, _NAN, _NAN
    for i in range(n):
        on_last += last_at[i] // US_PER_DAY == newest
        new += first_at[i] // US_PER_DAY == newest
        since_last, since_first = (as_of - last_at[i]) / US_PER_DAY, (as_of - first_at[i]) / US_PER_DAY
        idle = min(idle, since_last) if i else since_last
        tenure = max(tenure, since_first) if i else since_first
    row[USER] = n
    row[USER + 1] = interactions
    row[USER + 2] = len(days)
    row[USER + 3] = n / interactions if interactions > 0 else _NAN
    row[USER + 4] = interactions / len(days) if n else _NAN
    row[USER + 5] = on_last
    row[USER + 6] = new / on_last if on_last else _NAN
    row[USER + 7] = idle
    row[USER + 8] = idle / (1 + (tenure - idle) / max(len(days) - 1, 1))
    row[USER + 9] = tenure
    row[USER + 10] = total / priced if priced else _NAN
    return days


@njit(nogil=True, cache=True)
def _days(first_at, last_at):  # type: ignore[no-untyped-def]
    """The distinct days on which an item was taken for the first or the last time, ascending."""
    n = len(first_at)
    found, days = np.empty(2 * n), np.empty(2 * n, np.int64)
    for i in range(n):
        found[i], found[n + i] = first_at[i] // US_PER_DAY, last_at[i] // US_PER_DAY
    kept = 0
    for at in ordered(found):
        if kept == 0 or days[kept - 1] != found[at]:
            days[kept] = np.int64(found[at])
            kept += 1
    return days[:kept]


@njit(nogil=True, cache=True)
def _now(mine, week_shares):  # type: ignore[no-untyped-def]
    """What own_place_now goes by."""
    out = np.empty(len(mine[0]))
    for i in range(len(out)):
        out[i] = mine[2][i] + POPULARITY_WORTH * week_shares[mine[0][i]]
    return out


@njit(nogil=True, cache=True)
def _places(pull):  # type: ignore[no-untyped-def]
    """Each entry's place by pull, from 0; ties to the lower item row."""
    order, place = ordered(-pull), np.empty(len(pull))
    for i in range(len(order)):
        place[order[i]] = i
    return place


@njit(nogil=True, cache=True)
def _found(items, item):  # type: ignore[no-untyped-def]
    """The entry of an item, -1 where there is none."""
    at = first(items, item)
    return at if at < len(items) and items[at] == item else -1


@njit(nogil=True, cache=True, error_model="numpy")
def _own(row, as_of, entry, mine, places, days):  # type: ignore[no-untyped-def]
    """OWN_FEATURES into the row, but for the two that say something of items the user lacks too."""
    _, counts, pull, first_at, last_at = mine
    if entry < 0:
        for f in range(OWN, CATEGORY):
            row[f] = _NAN
        row[OWN] = row[OWN + 1] = 0.0
        return
    count = float(counts[entry])
    idle, span = (as_of - last_at[entry]) / US_PER_DAY, (last_at[entry] - first_at[entry]) / US_PER_DAY
    interval = span / (count - 1) if count > 1 else _NAN
    row[OWN] = count
    row[OWN + 1] = pull[entry]
    row[OWN + 2] = places[0][entry]
    row[OWN + 4] = places[1][entry]
    row[OWN + 5] = count / row[USER + 1]
    row[OWN + 6] = count / row[USER + 2]
    row[OWN + 7] = idle
    row[OWN + 8] = idle - row[USER + 7]
    row[OWN + 9] = len(days) - first(days, last_at[entry] // US_PER_DAY + 1)
    row[OWN + 10] = interval
    row[OWN + 11] = idle / interval if interval > 0 else _NAN


@njit(nogil=True, cache=True)
def _by_code(codes, items):  # type: ignore[no-untyped-def]
    """The codes of the user's items, ascending, and whose entry each is."""
    found, mine = np.empty(len(items)), np.empty(len(items), np.int64)
    for i in range(len(items)):
        found[i] = codes[items[i]]
    order = ordered(found)
    for i in range(len(order)):
        mine[i] = codes[items[order[i]]]
    return mine, order


@njit(nogil=True, cache=True, error_model="numpy")
def _category(row, as_of, code, by_code, last_at):  # type: ignore[no-untyped-def]
    """CATEGORY_FEATURES into the row."""
    mine, order = by_code
    row[CATEGORY] = 0.0 if code >= 0 else _NAN
    row[CATEGORY + 1] = _NAN
    start = first(mine, code)
    end, last = start, np.int64(0)
    while end < len(mine) and mine[end] == code:
        last = max(last, last_at[order[end]])
        end += 1
    if code >= 0 and end > start:
        row[CATEGORY] = (end - start) / len(mine)
        row[CATEGORY + 1] = (as_of - last) / US_PER_DAY


@njit(nogil=True, cache=True, error_model="numpy")
def _similar(row, item, latest, cosines):  # type: ignore[no-untyped-def]
    """SIMILAR_FEATURES into the row."""
    n, highest, total = 0, -np.inf, 0.0
    for i in range(LAST_ITEMS):
        cosine = np.float64(cosines[i])
        if latest[i] >= 0 and latest[i] != item and not np.isnan(cosine):
            n += 1
            highest = max(highest, cosine)
            total += cosine
    row[SIMILAR] = highest if n else _NAN
    row[SIMILAR + 1] = total / n if n else _NAN


@njit(
    types.void(_FLOATS, _LONGS, _LONGS, _INTS, types.int64, _LONGS, _ENTRIES, _ITEMS, _LIKENESS),
    nogil=True,
    cache=True,
    error_model="numpy",
)
def _fill(out, where, local, item_rows, as_of, indptr, entries, items, likeness):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    own_items, counts, pull, first_at, last_at = entries
    item_features, week_shares, log_prices, codes = items
    latest, cosines = likeness
    row = np.empty(SIMILAR + 2)
    user, begin, end = -1, 0, 0
    for j in range(len(out)):
        item = item_rows[j]
        if local[j] != user:
            user = local[j]
            begin, end = indptr[user], indptr[user + 1]
            mine = own_items[begin:end], counts[begin:end], pull[begin:end], first_at[begin:end], last_at[begin:end]
            days = _user(row, as_of, mine, log_prices)
            places = _places(mine[2]), _places(_now(mine, week_shares))
            by_code = _by_code(codes, mine[0])
        for f in range(item_features.shape[1]):
            row[f] = item_features[item, f]
        entry = _found(mine[0], item)
        _own(row, as_of, entry, mine, places, days)
        row[OWN + 3] = row[OWN + 1] + POPULARITY_WORTH * week_shares[item]
        row[OWN + 12] = log_prices[item] - row[USER + 10]
        _category(row, as_of, codes[item], by_code, mine[4])
        if len(cosines):
            _similar(row, item, latest[user], cosines[j])
        for f in range(len(row)):
            if where[f] >= 0:
                out[j, where[f]] = row[f]
