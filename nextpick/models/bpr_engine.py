"""BPR's descent, compiled by numba, which no other place knows. Import this when called: a service only scores."""

import numpy as np
from numba import njit
from scipy.sparse import csr_matrix

from nextpick.params import BprParams

_SPREAD = 0.1  # of the factors it starts from


def bpr_factors(user_items: csr_matrix, chosen: BprParams, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """User and item factors, (users, factors) and (items, factors), and the items' biases: float32.

    In one thread: more would race for the same rows, and no fit would be like another.
    """
    owned = user_items.sorted_indices()
    draw = np.random.default_rng(seed)
    users, items = (draw.normal(0, _SPREAD, (n, chosen.factors)).astype(np.float32) for n in owned.shape)
    biases = np.zeros(len(items), np.float32)
    owner = np.repeat(np.arange(len(users), dtype=np.int32), np.diff(owned.indptr))
    rate, penalty = np.float32(chosen.learning_rate), np.float32(chosen.regularization)
    steps = chosen.iterations * owned.nnz
    _descend(users, items, biases, owner, owned.indices, owned.indptr, steps, rate, penalty, np.uint64(seed))
    return users, items, biases


@njit(inline="always")
def _drawn(state, n):  # type: ignore[no-untyped-def]
    """A whole number below n, by SplitMix64.

    Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators* (OOPSLA 2014).
    """
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    bits = state[0]
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return np.int64((bits >> np.uint64(32)) * np.uint64(n) >> np.uint64(32))


@njit(inline="always")
def _not_owned(state, n, own):  # type: ignore[no-untyped-def]
    """An item that is not among `own`, which ascends."""
    while True:
        item = _drawn(state, n)
        at = np.searchsorted(own, item)
        if at == len(own) or own[at] != item:
            return item


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"})
def _descend(users, items, biases, owner, indices, indptr, steps, rate, penalty, seed):  # type: ignore[no-untyped-def]  # noqa: PLR0913
    """In place. fastmath lets sums be vectorised; the order they are then added up in is the same at every call."""
    state = np.array([seed], np.uint64)
    one = np.float32(1)
    for step in range(steps):
        pace = np.float32(rate * (1 - step / steps))
        entry = _drawn(state, len(indices))
        user, liked = owner[entry], indices[entry]
        own = indices[indptr[user] : indptr[user + 1]]
        if len(own) == len(items):
            continue
        other = _not_owned(state, len(items), own)
        x, y, z = users[user], items[liked], items[other]
        margin = biases[liked] - biases[other]
        for f in range(len(x)):
            margin += x[f] * (y[f] - z[f])
        wrong = one / (one + np.exp(margin))
        for f in range(len(x)):
            was = x[f]
            x[f] += pace * (wrong * (y[f] - z[f]) - penalty * was)
            y[f] += pace * (wrong * was - penalty * y[f])
            z[f] += pace * (-wrong * was - penalty * z[f])
        biases[liked] += pace * (wrong - penalty * biases[liked])
        biases[other] += pace * (-wrong - penalty * biases[other])
