"""Ranking and measuring: each user's best items, training items masked, and the means of the metrics."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from benchmarks.yardstick.split import Split
from nextpick.evaluation.metrics import hit_rate_at_k, ndcg_at_k, recall_at_k
from nextpick.features.histories import of_users
from nextpick.models.topn import best

USERS_AT_ONCE = 256
MOST_THREADS = 8  # a block of a pool takes a gigabyte where the catalogue has 90,000 items

T = TypeVar("T")
Scores = Callable[[np.ndarray], np.ndarray]
"""User rows -> float32 (len(rows), items), NaN where there is no opinion; safe to call from several threads."""


def in_blocks(work: Callable[[np.ndarray], T], users: np.ndarray) -> Iterator[T]:
    """work of each block of users, in order, a thread a core; BLAS has one each. The answer does not depend on them."""
    blocks = [users[at : at + USERS_AT_ONCE] for at in range(0, len(users), USERS_AT_ONCE)]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads()) as several:
        yield from several.map(work, blocks)


def threads() -> int:
    """As many as this process may use cores of, MOST_THREADS at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_THREADS)


def comparable(scores: np.ndarray, split: Split, users: np.ndarray) -> np.ndarray:
    """Scores with -inf for no opinion, for items of train, and for all but test and negatives where these are given."""
    out = np.where(np.isnan(scores), np.float32(-np.inf), scores)
    if split.negatives is not None:
        out[~(split.test[users] + split.negatives[users]).toarray().astype(bool)] = -np.inf
    own = of_users(split.train, users)
    out[own.user_rows, own.item_rows] = -np.inf
    return out


def best_lists(scores: Scores, split: Split, users: np.ndarray, k: int) -> np.ndarray:
    """Each user's best k items, int64 (len(users), k), -1 where there are no more; equal scores by item row."""

    def block(rows: np.ndarray) -> np.ndarray:
        lists = np.full((len(rows), k), -1, np.int64)
        at, items, place = best(comparable(scores(rows), split, rows), k)
        lists[at, place] = items
        return lists

    return np.concatenate([np.empty((0, k), np.int64), *in_blocks(block, users)])


def figures(lists: np.ndarray, test: csr_matrix, users: np.ndarray, k: int) -> dict[str, float]:
    """Means over the users: recall (over all relevant), ndcg (ideal over min(k, relevant)) and hit rate at k."""
    sought = test[users]
    pairs = np.repeat(np.arange(len(users)), np.diff(sought.indptr)) * sought.shape[1] + sought.indices
    listed = np.arange(len(users))[:, None] * sought.shape[1] + lists
    hits = np.isin(listed, pairs) & (lists >= 0)
    metrics = {"recall": recall_at_k, "ndcg": ndcg_at_k, "hit": hit_rate_at_k}
    return {f"{name}@{k}": float(of(hits, np.diff(sought.indptr), k).mean()) for name, of in metrics.items()}
