"""Histories: what each user has done before a moment, one entry an item."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.idmap import IdMap
from nextpick.schema import ITEM_ID, KIND, OCCURRED_AT, USER_ID


@dataclass(frozen=True)
class Histories:
    """The interactions before `as_of` (microseconds), as a sparse matrix of users x items in CSR form.

    User u's entries are indptr[u]:indptr[u + 1] (indptr is int64, (users + 1,)), by ascending item row. An entry has
    item_rows (int32), counts (int32, interactions), weights (float32, the sum of their kinds' weights), first_at and
    last_at (int64, microseconds).
    """

    as_of: int
    n_items: int
    indptr: np.ndarray
    item_rows: np.ndarray
    counts: np.ndarray
    weights: np.ndarray
    first_at: np.ndarray
    last_at: np.ndarray

    def __len__(self) -> int:
        """How many users."""
        return len(self.indptr) - 1

    @property
    def user_rows(self) -> np.ndarray:
        """The user of each entry, int64."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))


def histories(
    interactions: pd.DataFrame, users: IdMap, items: IdMap, kinds: Mapping[str, float], as_of: int
) -> Histories:
    """The histories of `users` (one row each, also where empty) from the interactions before `as_of`.

    `interactions` has EVENT_COLUMNS in any order. Left out are kinds not in `kinds`, users and items not in the maps,
    and whatever happened at `as_of` or later. Weights are added in order of time, as `with_events` adds them.
    """
    at = microseconds(interactions[OCCURRED_AT])
    weights = interactions[KIND].map(dict(kinds)).to_numpy(np.float32, na_value=np.nan)
    user_rows, item_rows = users.rows(interactions[USER_ID]), items.rows(interactions[ITEM_ID])
    kept = (at < as_of) & ~np.isnan(weights) & (user_rows >= 0) & (item_rows >= 0)
    user_rows, item_rows, at, weights = user_rows[kept], item_rows[kept], at[kept], weights[kept]
    order = np.lexsort((weights, at, item_rows, user_rows))
    user_rows, item_rows, at, weights = user_rows[order], item_rows[order], at[order], weights[order]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(user_rows) != 0) | (np.diff(item_rows) != 0)
    starts = np.flatnonzero(new)
    ends = np.flatnonzero(np.append(new, True)[1:]) + 1
    total = np.zeros(len(starts), np.float32)
    np.add.at(total, np.cumsum(new) - 1, weights)
    return Histories(
        as_of=as_of,
        n_items=len(items),
        indptr=np.searchsorted(user_rows[starts], np.arange(len(users) + 1)).astype(np.int64),
        item_rows=item_rows[starts],
        counts=(ends - starts).astype(np.int32),
        weights=total,
        first_at=at[starts],
        last_at=at[ends - 1],
    )


def no_history(n_items: int, as_of: int) -> Histories:
    """The history of one user who has done nothing yet."""
    ints, longs = np.empty(0, np.int32), np.empty(0, np.int64)
    return Histories(as_of, n_items, np.zeros(2, np.int64), ints, ints, np.empty(0, np.float32), longs, longs)


def with_events(
    history: Histories, item_rows: np.ndarray, weights: np.ndarray, occurred_at: np.ndarray, as_of: int
) -> Histories:
    """One user's history and what they did since, as of `as_of`: to the bit what `histories` makes of all of it.

    The new events (int32, float32, int64; one element each) lie in [history.as_of, as_of), in any order.
    """
    order = np.lexsort((weights, occurred_at))
    rows, entry = np.unique(np.concatenate([history.item_rows, item_rows[order]]), return_inverse=True)
    counts, total = np.zeros(len(rows), np.int32), np.zeros(len(rows), np.float32)
    np.add.at(counts, entry, np.concatenate([history.counts, np.ones(len(order), np.int32)]))
    np.add.at(total, entry, np.concatenate([history.weights, weights[order]]))
    first_at = np.full(len(rows), np.iinfo(np.int64).max)
    last_at = np.full(len(rows), np.iinfo(np.int64).min)
    np.minimum.at(first_at, entry, np.concatenate([history.first_at, occurred_at[order]]))
    np.maximum.at(last_at, entry, np.concatenate([history.last_at, occurred_at[order]]))
    indptr = np.array([0, len(rows)], np.int64)
    return Histories(as_of, history.n_items, indptr, rows.astype(np.int32), counts, total, first_at, last_at)


def of_users(all_users: Histories, rows: np.ndarray) -> Histories:
    """The histories of some users, as rows 0 .. len(rows) - 1."""
    starts = all_users.indptr[rows]
    lengths = all_users.indptr[np.asarray(rows) + 1] - starts
    indptr = _running_total(lengths)
    return _taken(all_users, indptr, np.arange(indptr[-1]) + np.repeat(starts - indptr[:-1], lengths))


def select(all_users: Histories, kept: np.ndarray) -> Histories:
    """The same users with only the entries `kept` (bool) marks."""
    sizes = np.bincount(all_users.user_rows[kept], minlength=len(all_users))
    return _taken(all_users, _running_total(sizes), np.flatnonzero(kept))


def _taken(all_users: Histories, indptr: np.ndarray, entries: np.ndarray) -> Histories:
    return Histories(
        as_of=all_users.as_of,
        n_items=all_users.n_items,
        indptr=indptr,
        item_rows=all_users.item_rows[entries],
        counts=all_users.counts[entries],
        weights=all_users.weights[entries],
        first_at=all_users.first_at[entries],
        last_at=all_users.last_at[entries],
    )


def _running_total(sizes: np.ndarray) -> np.ndarray:
    total = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=total[1:])
    return total


def find(all_users: Histories, user_rows: np.ndarray, item_rows: np.ndarray) -> np.ndarray:
    """The entry of each (user, item) pair, int64; -1 where the user has no such item."""
    width = all_users.n_items
    keys = all_users.user_rows * width + all_users.item_rows
    wanted = np.asarray(user_rows, np.int64) * width + item_rows
    at = np.searchsorted(keys, wanted)
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    hit = keys[np.minimum(at, len(keys) - 1)] == wanted
    return np.where(hit, at, -1)
