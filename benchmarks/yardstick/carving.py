"""Validation carved from train alone, in the image of the test.

A random part of each user's items is held back, or their last ones, as the times tell that the test was cut. Where
they do not, it is one for half of the users (drawn) and the other for the rest, as far as an order is told: the two
together chose better than either alone, since a test may lie anywhere or at the end.
"""

from dataclasses import replace

import numpy as np
from scipy.sparse import csr_matrix

from benchmarks.yardstick.split import Split, placed
from nextpick.features.histories import Histories, select

SHARE = 0.2
_LATEST = {"random": 0.0, "untold": 0.5, "last": 1.0}  # the part of the users whose last items are held back


FOLDS = 4  # of users, where items are held back at random


def carve(split: Split, seed: int, fold: int | None = None) -> Split:
    """A split of split.train. Held back is a fifth of each user's items; one, where the test seeks one of each user.

    With `fold` (from 0), only of a FOLDS-th of the users, drawn: the rest of train stays as dense as it is, which
    matters where items have few users. A user keeps at least one item; of users with one nothing is held back.
    Negatives are as many as given, drawn evenly from what the user has not.
    """
    known, draw = split.train, np.random.default_rng(seed)
    sizes = np.diff(known.indptr)
    one_each = bool((np.diff(split.test.indptr)[split.users] == 1).all())
    wanted = np.ones(len(known), np.int64) if one_each else np.maximum(np.round(SHARE * sizes), 1).astype(np.int64)
    wanted = np.minimum(wanted, np.maximum(sizes - 1, 0))
    if fold is not None:
        wanted[np.random.default_rng(0).permutation(len(known)) % FOLDS != fold] = 0
    keys = draw.random(len(known.item_rows))
    if split.timing != "none":
        latest = (draw.random(len(known)) < _LATEST[split.cut])[known.user_rows]
        keys = np.where(latest, -known.last_at.astype(np.float64), keys)  # only compared within a user
    order = np.lexsort((keys, known.user_rows))
    held = np.zeros(len(keys), bool)
    held[order] = np.arange(len(order)) - known.indptr[known.user_rows[order]] < wanted[known.user_rows[order]]
    kept = select(known, ~held)
    sought = _ones_of(select(known, held))
    among = None if split.negatives is None else _drawn(split, known, sought, draw)
    return Split(kept if split.timing == "time" else placed(kept, split.timing), sought, among, split.timing, split.cut)


def some_users(split: Split, n: int, seed: int) -> np.ndarray:
    """At most n of split.users, drawn; int32 ascending."""
    users = split.users
    if len(users) <= n:
        return users
    return np.sort(np.random.default_rng(seed).choice(users, n, replace=False))


def narrowed(split: Split, n: int) -> Split:
    """The same with only the n items that most users of train have."""
    counts = np.bincount(split.train.item_rows, minlength=split.train.n_items)
    kept = np.zeros(len(counts), bool)
    kept[np.argsort(-counts, kind="stable")[:n]] = True
    sought = csr_matrix(split.test.multiply(kept[None, :]))
    sought.eliminate_zeros()
    return replace(split, train=select(split.train, kept[split.train.item_rows]), test=sought)


def _ones_of(known: Histories) -> csr_matrix:
    ones = np.ones(len(known.item_rows), np.float32)
    return csr_matrix((ones, known.item_rows, known.indptr), shape=(len(known), known.n_items))


def _drawn(split: Split, known: Histories, sought: csr_matrix, draw: np.random.Generator) -> csr_matrix:
    """For each user with something held back as many items as a line of split.negatives has, none of them theirs."""
    assert split.negatives is not None
    given = np.diff(split.negatives.indptr)
    n = int(np.median(given[given > 0])) if given.any() else 0
    users = np.repeat(np.flatnonzero(np.diff(sought.indptr)), n)
    items = draw.integers(0, known.n_items, len(users))
    out = csr_matrix((np.ones(len(users), np.float32), (users, items)), shape=sought.shape)
    out = out - out.multiply(_ones_of(known))
    out.eliminate_zeros()
    out.data[:] = 1
    return csr_matrix(out)
