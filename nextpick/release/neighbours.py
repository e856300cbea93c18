"""Each item's nearest, by the bundle: by taste, and where a generator knows no taste of it, by basket."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix

from nextpick.models.approximate import index_of
from nextpick.models.bundle import Bundle
from nextpick.models.topn import Barred

NEAREST = 50
ITEMS_AT_ONCE = 1024
THREADS = 2


def nearest(bundle: Bundle, n: int = NEAREST) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Item i's nearest are rows[starts[i]:starts[i + 1]] (int32, nearest first), with scores (float32, likewise).

    Cosine of the factors that the bundle's features use (ALS or BPR), where it has any and somebody had the item when
    they were fitted; else bought_together's weights; an item that neither knows has no neighbours. Equal scores go to
    the lower row, and no score is 0 or less. Hidden items are in: who shows neighbours leaves them out. Where ALS looks
    for its best by an approximate index, so does this.
    """
    sizes, rows, scores = [np.zeros(1, np.int64)], [], []
    for item_rows, item_scores in _blocks(bundle, n):
        there = item_rows >= 0
        sizes.append(there.sum(axis=1))
        rows.append(item_rows[there])
        scores.append(item_scores[there])
    return np.cumsum(np.concatenate(sizes)), np.concatenate(rows), np.concatenate(scores)


def _blocks(bundle: Bundle, n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (int32) and scores (float32), (items, n), of some items after the others; -1 where there is none."""
    together = bundle.generators.get("bought_together")
    weights = None if together is None else together.near.weights  # type: ignore[attr-defined]
    probes = max(getattr(generator, "probes", 0) for generator in bundle.generators.values())
    vectors = bundle.vectors
    index = None if vectors is None else index_of(vectors, probes)
    for start in range(0, len(bundle.items), ITEMS_AT_ONCE):
        block = np.arange(start, min(start + ITEMS_AT_ONCE, len(bundle.items)), dtype=np.int32)
        rows, scores = np.full((len(block), n), -1, np.int32), np.zeros((len(block), n), np.float32)
        known = np.zeros(len(block), bool)
        if index is not None and vectors is not None:
            known = ~np.isnan(vectors[block, 0])
            itself = Barred(np.arange(len(block) + 1), block)  # no item is its own
            rows, scores = index.top(np.nan_to_num(vectors[block]), n, itself, THREADS)
            rows[~known] = -1
            rows[~(scores > 0)] = -1
        for place in np.flatnonzero(~known) if weights is not None else ():
            found, by = _by_basket(weights, block[place], n)
            rows[place, : len(found)], scores[place, : len(found)] = found, by
        yield rows, scores


def _by_basket(weights: csr_matrix, item: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    own = slice(weights.indptr[item], weights.indptr[item + 1])
    rows, scores = weights.indices[own], weights.data[own]
    kept = (scores > 0) & (rows != item)
    rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))[:n]
    return rows[order], scores[order]
