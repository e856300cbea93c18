"""Each item's nearest, by the bundle: by taste, and where a generator knows no taste of it, by basket."""

from collections.abc import Iterator

import numpy as np

from nextpick.models.bundle import Bundle
from nextpick.models.pool import best

NEAREST = 50
ITEMS_AT_ONCE = 1024  # x the catalogue x 4 bytes of cosines in memory


def nearest(bundle: Bundle, n: int = NEAREST) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Item i's nearest are rows[starts[i]:starts[i + 1]] (int32, nearest first), with scores (float32, likewise).

    Cosine of the factors that the bundle's features use (ALS or BPR), where it has any and somebody had the item when
    they were fitted; else bought_together's weights; an item that neither knows has no neighbours. Equal scores go to
    the lower row, and no score is 0 or less. Hidden items are in: who shows neighbours leaves them out.
    """
    sizes, rows, scores = [np.zeros(1, np.int64)], [], []
    for item_sizes, item_rows, item_scores in _blocks(bundle, n):
        sizes.append(item_sizes)
        rows.append(item_rows)
        scores.append(item_scores)
    return np.cumsum(np.concatenate(sizes)), np.concatenate(rows), np.concatenate(scores)


def _blocks(bundle: Bundle, n: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    items, together = len(bundle.items), bundle.generators.get("bought_together")
    weights = None if together is None else together.near.weights  # type: ignore[attr-defined]
    for start in range(0, items, ITEMS_AT_ONCE):
        block = np.arange(start, min(start + ITEMS_AT_ONCE, items))
        close = np.full((len(block), items), np.nan, np.float32)
        known = np.zeros(len(block), bool)
        if bundle.vectors is not None:
            close = bundle.vectors[block] @ bundle.vectors.T
            known = ~np.isnan(bundle.vectors[block, 0])
        if weights is not None and not known.all():
            close[~known] = weights[block[~known]].toarray()
        close[np.arange(len(block)), block] = np.nan  # no item is its own
        close[~(close > 0)] = np.nan
        at, rows, _ = best(close, n)
        yield np.bincount(at, minlength=len(block)), rows.astype(np.int32), close[at, rows]
