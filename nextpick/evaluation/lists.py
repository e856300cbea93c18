"""What lists are made of, whether or not anybody took it.

`lists` (int, (users, k)) has the recommended item rows of each user, best first, each at most once; -1 is an empty
place.
"""

import numpy as np
from scipy.sparse import csr_matrix

HEAD_SHARE = 0.2  # of all interactions: what the head of the catalogue has
_PAIRS_AT_ONCE = 200_000


def coverage(lists: np.ndarray, n_items: int) -> float:
    """The share of the catalogue that is in at least one list. NaN without items.

    Ge, Delgado-Battenfeld, Jannach, *Beyond accuracy* (RecSys 2010), catalog coverage.
    """
    return len(np.unique(lists[lists >= 0])) / n_items if n_items else float("nan")


def popularity_share(lists: np.ndarray, popularity: np.ndarray) -> float:
    """The share of the places that the head has: the fewest items that make up a fifth of the interactions.

    `popularity` (int, (items,)) counts interactions; equal counts go to the lower row. A catalogue's short head, as
    Celma, Cano, *From hits to niches?* (2008) draw it. NaN where all lists are empty.
    """
    shown = lists[lists >= 0]
    if not len(shown):
        return float("nan")
    order = np.lexsort((np.arange(len(popularity)), -popularity))
    upto = np.cumsum(popularity[order])
    n_head = int(np.searchsorted(upto, HEAD_SHARE * upto[-1])) + 1
    return float(np.isin(shown, order[:n_head]).mean())


def novelty(lists: np.ndarray, takers: np.ndarray, n_users: int) -> np.ndarray:
    """The mean of -log2(takers / n_users) over a list's items, in bits; float64 (users,), NaN for an empty list.

    `takers` (int, (items,)) counts the users who had taken the item before; nobody counts as one. Zhou et al.,
    *Solving the apparent diversity-accuracy dilemma* (PNAS 2010), surprisal.
    """
    surprise = -np.log2(np.maximum(takers, 1) / max(n_users, 1))
    shown = lists >= 0
    total = np.where(shown, surprise[np.where(shown, lists, 0)], 0.0).sum(axis=1)
    return np.divide(total, shown.sum(axis=1), out=np.full(len(lists), np.nan), where=shown.any(axis=1))


def diversity(lists: np.ndarray, user_items: csr_matrix) -> np.ndarray:
    """1 - the mean cosine of a list's pairs of items; float64 (users,), NaN where a list has less than two.

    An item is the vector of who took it (`user_items`, users x items): that needs no catalogue; an item nobody took is
    like no other. Ziegler et al., *Improving recommendation lists through topic diversification* (WWW 2005), whose
    intra-list similarity leaves the similarity open.
    """
    left, right = np.triu_indices(lists.shape[1], 1)
    a, b = lists[:, left], lists[:, right]
    there = (a >= 0) & (b >= 0)
    key, at = np.unique(
        np.minimum(a, b)[there].astype(np.int64) * user_items.shape[1] + np.maximum(a, b)[there], return_inverse=True
    )
    cosines = _cosines(user_items, key // user_items.shape[1], key % user_items.shape[1])
    alike = np.zeros(a.shape)
    alike[there] = cosines[at]
    pairs = there.sum(axis=1)
    return 1 - np.divide(alike.sum(axis=1), pairs, out=np.full(len(lists), np.nan), where=pairs > 0)


def churn(lists: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The share of a user's list that another list of theirs (same shape) has not; float64 (users,), NaN if empty."""
    shown = lists >= 0
    new = shown & ~(lists[:, :, None] == before[:, None, :]).any(axis=2)
    return np.divide(new.sum(axis=1), shown.sum(axis=1), out=np.full(len(lists), np.nan), where=shown.any(axis=1))


def _cosines(user_items: csr_matrix, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of each pair of items, float64; 0 where one of them has no taker."""
    vectors = csr_matrix(user_items.T, dtype=np.float64)
    norms = np.sqrt(np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel())
    out = np.zeros(len(a))
    for start in range(0, len(a), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        products = vectors[a[part]].multiply(vectors[b[part]]).sum(axis=1)
        out[part] = np.asarray(products).ravel()
    scale = norms[a] * norms[b]
    return np.divide(out, scale, out=np.zeros(len(a)), where=scale > 0)
