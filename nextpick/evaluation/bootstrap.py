"""How sure a mean or a difference is: the bootstrap over users."""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
_AT_ONCE = 4_000_000  # drawn users in memory


@dataclass(frozen=True)
class Difference:
    """A mean over users, and its bounds: with 95 % confidence it lies between low and high."""

    mean: float
    low: float
    high: float


def paired(differences: np.ndarray, samples: int, seed: int) -> Difference:
    """The mean of one difference a user (float64, (users,)), and its bounds, as `bounds` has them."""
    low, high = bounds(differences[:, None], samples, seed)[:, 0]
    return Difference(float(differences.mean()), float(low), float(high))


def bounds(values: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Lower and upper bound of each column's mean: float64 (2, columns) of `values`, float64 (users, columns).

    Efron, Tibshirani, *An Introduction to the Bootstrap* (1993), ch. 13: users are drawn with replacement `samples`
    times; a user's values stay together; the bounds are percentiles of the means. Raises: ValueError without a user.
    """
    n = len(values)
    if n == 0:
        raise ValueError("There is no user to draw.")
    rng, columns = np.random.default_rng(seed), np.ascontiguousarray(values.T)
    step = max(_AT_ONCE // n, 1)
    parts = []
    for done in range(0, samples, step):
        drawn = rng.integers(0, n, (min(step, samples - done), n))
        parts.append(np.stack([column[drawn].mean(axis=1) for column in columns]))
    tail = (1 - CONFIDENCE) / 2
    return np.quantile(np.concatenate(parts, axis=1), (tail, 1 - tail), axis=1)
