"""Metrics of one user's list; means over users are taken elsewhere.

A list is the recommended item rows, best first, each at most once, and `relevant` the distinct rows the user then
took, at least one: a user without any has no metric. Libraries disagree on these formulas, so each is written down.
Notation: hit(i) is 1 where the item at place i (from 1) is relevant, else 0; all sums run over places 1 .. k.
"""

import numpy as np


def recall_at_k(ranked: np.ndarray, relevant: np.ndarray, k: int) -> float:
    """sum hit(i) / |relevant|: over all relevant items, so below 1 where there are more than k.

    Manning, Raghavan, Schütze, *Introduction to Information Retrieval* (2008), 8.3, cut at k.
    """
    return float(_hits(ranked, relevant, k).sum() / _count(relevant))


def hit_rate_at_k(ranked: np.ndarray, relevant: np.ndarray, k: int) -> float:
    """1 where any of the first k is relevant, else 0. Deshpande, Karypis, *Item-based top-N ...* (TOIS 2004)."""
    _count(relevant)
    return float(_hits(ranked, relevant, k).any())


def ndcg_at_k(ranked: np.ndarray, relevant: np.ndarray, k: int) -> float:
    """sum hit(i) / log2(i + 1), over the same sum of an ideal list, whose first min(k, |relevant|) places hit.

    Järvelin, Kekäläinen, *Cumulated gain-based evaluation of IR techniques* (TOIS 2002), binary gains, log2(i + 1).
    """
    discounts = 1 / np.log2(np.arange(2, k + 2))
    hits = _hits(ranked, relevant, k)
    return float((hits * discounts[: len(hits)]).sum() / discounts[: min(k, _count(relevant))].sum())


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """The chance that a relevant candidate is scored above one that is not, ties counting half; NaN without both.

    Mann-Whitney U over the product of the two counts. Fawcett, *An introduction to ROC analysis* (2006).
    """
    positive = np.asarray(labels) == 1
    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    _, place, ties = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(ties)
    mean_rank = last - (ties - 1) / 2  # equal scores share the mean of their ranks, which count from 1
    return float((mean_rank[place[positive]].sum() - n * (n + 1) / 2) / (n * m))


def coverage(lists: np.ndarray, n_items: int) -> float:
    """The share of the catalogue that is in at least one list; -1 in `lists` is an empty place.

    Ge, Delgado-Battenfeld, Jannach, *Beyond accuracy* (RecSys 2010), catalog coverage. NaN without items.
    """
    return len(np.unique(lists[lists >= 0])) / n_items if n_items else float("nan")


def _hits(ranked: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    if k < 1:
        raise ValueError(f"k counts the places looked at, at least 1, and is {k}.")
    return np.isin(ranked[:k], relevant)


def _count(relevant: np.ndarray) -> int:
    if not len(relevant):
        raise ValueError("A user without relevant items has no metric: leave them out and count them.")
    return len(relevant)
