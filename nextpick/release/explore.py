"""Places given away by lot, so that what is never shown can be learnt of; with the odds, so that it can be reckoned."""

import numpy as np


def explore(n: int, k: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions (int64) to show out of n candidates, best first, and the propensity (float64) of each place's item.

    Each of the first k places is given away with probability `share`, independently of the others, to one of the
    n - k candidates below them, each as likely as any other and none twice. So a candidate of the first k stands in
    its place with probability 1 - share, and one from below in any place with share / (n - k): exact, place by place,
    which is what an inverse propensity estimate divides by. Where fewer than k are below, nothing is given away.
    """
    shown = np.arange(min(n, k))
    if share <= 0 or n - k < k:
        return shown, np.ones(len(shown))
    draw = np.random.default_rng(seed)
    lots = draw.random(k) < share
    below = k + draw.permutation(n - k)[:k]
    return np.where(lots, below, shown), np.where(lots, share / (n - k), 1 - share)
