"""Items that are not all alike."""

import numpy as np

from nextpick.release.loaded import Loaded


def diverse(loaded: Loaded, rows: np.ndarray, k: int, diversity: float) -> np.ndarray:
    """Positions of all of `rows` (int32, best first) in a new order, of which the first k weigh unlikeness too: int64.

    Maximal marginal relevance: each place goes to the item with the highest (1 - d) * relevance - d * the highest
    likeness to one placed before. Carbonell, Goldstein, *The use of MMR* (SIGIR 1998). Relevance falls evenly from 1
    to 0 over the order given: a ranker's scores have no scale. Likeness is the cosine of the model's item vectors, not
    below 0; without vectors it is 1 within a finest category, and 0 else.
    """
    n, k = len(rows), min(k, len(rows))
    if not diversity or n < 2:
        return np.arange(n)
    alike = _alike(loaded, rows)
    value = (1 - diversity) * (1 - np.arange(n) / n)
    nearest, left, chosen = np.zeros(n), np.ones(n, bool), np.empty(k, np.int64)
    for place in range(k):
        best = int(np.argmax(np.where(left, value - diversity * nearest, -np.inf)))
        chosen[place], left[best] = best, False
        np.maximum(nearest, alike[best], out=nearest)
    return np.concatenate([chosen, np.flatnonzero(left)])


def _alike(loaded: Loaded, rows: np.ndarray) -> np.ndarray:
    """(n, n), from 0 to 1."""
    if loaded.bundle.vectors is not None:
        vectors = np.nan_to_num(loaded.bundle.vectors[rows])
        return np.asarray(np.clip(vectors @ vectors.T, 0, 1), np.float64)
    codes = loaded.table.category_codes[rows]
    return ((codes[:, None] == codes) & (codes >= 0)).astype(np.float64)
