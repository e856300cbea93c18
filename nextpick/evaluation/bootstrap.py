"""How sure a difference is: the paired bootstrap over users."""

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
    """The mean of one difference a user (float64, (users,)), bounded by the percentiles of resampled means.

    Efron, Tibshirani, *An Introduction to the Bootstrap* (1993), ch. 13: users are drawn with replacement `samples`
    times; a user's two values stay together, as their difference. Raises: ValueError where there is no user.
    """
    n = len(differences)
    if n == 0:
        raise ValueError("There is no user to draw.")
    rng = np.random.default_rng(seed)
    step = max(_AT_ONCE // n, 1)
    means = np.concatenate(
        [
            differences[rng.integers(0, n, (min(step, samples - done), n))].mean(axis=1)
            for done in range(0, samples, step)
        ]
    )
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Difference(float(differences.mean()), float(low), float(high))
