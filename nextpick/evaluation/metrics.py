"""Metrics of users' lists, all at once: one value a user; means over users are taken elsewhere.

`hits` (bool, (users, places)) says whether the item at each place of a user's list, best first, is relevant; an empty
place is not. `relevant` (int, (users,)) is how many distinct items the user then took, at least one: a user without
any has no metric. Only the first k places count. Libraries disagree on these formulas, so each is written down.
Notation: hit(i) is 1 where place i (from 1) hits, else 0; all sums run over places 1 .. k.

All functions of hits return float64 (users,). Raises: ValueError where k is below 1 or a user has nothing relevant.
"""

import numpy as np


def recall_at_k(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """sum hit(i) / |relevant|: over all relevant items, so below 1 where there are more than k.

    Manning, Raghavan, Schütze, *Introduction to Information Retrieval* (2008), 8.3, cut at k.
    """
    return _first(hits, relevant, k).sum(axis=1) / relevant


def precision_at_k(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """sum hit(i) / k, also where the list is shorter or less than k are relevant. The same book, 8.4."""
    return _first(hits, relevant, k).sum(axis=1) / k


def hit_rate_at_k(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """1 where any of the first k is relevant, else 0. Deshpande, Karypis, *Item-based top-N ...* (TOIS 2004)."""
    return np.asarray(_first(hits, relevant, k).any(axis=1), np.float64)


def ndcg_at_k(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """sum hit(i) / log2(i + 1), over the same sum of an ideal list, whose first min(k, |relevant|) places hit.

    Järvelin, Kekäläinen, *Cumulated gain-based evaluation of IR techniques* (TOIS 2002), binary gains, log2(i + 1).
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    shown = _first(hits, relevant, k)
    ideal = np.cumsum(discounts)[np.minimum(relevant, k) - 1]
    return (shown * discounts[: shown.shape[1]]).sum(axis=1) / ideal


def map_at_k(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Average precision: sum hit(i) * (hits among the first i) / i, over min(k, |relevant|), so an ideal list has 1.

    Manning et al. 8.4 divide by |relevant|, as ranx and trec_eval do: there an ideal list of k has k / |relevant|.
    """
    shown = _first(hits, relevant, k)
    precisions = np.cumsum(shown, axis=1) / np.arange(1, shown.shape[1] + 1)
    return (shown * precisions).sum(axis=1) / np.minimum(relevant, k)


def mrr_at_k(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """1 / the place of the first hit, 0 where there is none. Voorhees, *The TREC-8 QA track report* (1999)."""
    shown = _first(hits, relevant, k)
    return (shown / np.arange(1, shown.shape[1] + 1)).max(axis=1, initial=0.0)


def auc(scores: np.ndarray, labels: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """The chance that a relevant candidate is scored above one that is not, ties counting half; NaN without both.

    User u's candidates are indptr[u]:indptr[u + 1] of `scores` and `labels` (0 or 1); returns float64 (users,).
    Mann-Whitney U over the product of the two counts. Fawcett, *An introduction to ROC analysis* (2006).
    """
    n_users = len(indptr) - 1
    users = np.repeat(np.arange(n_users), np.diff(indptr))
    order = np.lexsort((scores, users))
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(scores[order]) != 0) | (np.diff(users[order]) != 0)
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(order)))
    mean_rank = np.empty(len(order))  # from 1, within the user; equal scores share the mean of theirs
    mean_rank[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    mean_rank -= np.asarray(indptr)[users]
    positive = np.asarray(labels) == 1
    n = np.bincount(users[positive], minlength=n_users)
    pairs = n * (np.diff(indptr) - n)
    above = np.bincount(users[positive], mean_rank[positive], n_users) - n * (n + 1) / 2
    return np.divide(above, pairs, out=np.full(n_users, np.nan), where=pairs > 0)


def _first(hits: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    if k < 1:
        raise ValueError(f"k counts the places looked at, at least 1, and is {k}.")
    if len(relevant) and np.min(relevant) < 1:
        raise ValueError("A user without relevant items has no metric: leave them out and count them.")
    return hits[:, :k]
