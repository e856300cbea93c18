"""How far two samples are apart, and how far apart chance alone puts them.

The statistics take counts, not values: int64 (bins,), one array for the reference and one for the current sample, the
same bins for both. `number_bins`, `category_bins` and `grid` choose the bins, always from the data, never by a p-value:
a p-value at n = 100,000 alarms on a shift nobody would act on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

BINS = 10
RARE = 0.01  # a category with a smaller share of the reference is counted with the other rare ones
Name = Literal["psi", "ks", "js"]
Statistic = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Comparison:
    """A statistic of the current sample against all reference weeks, and of each week against the others."""

    value: float
    undrifted: tuple[float, ...]


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    """Population stability index, sum((c - r) * ln(c / r)) over the bins' shares; 0 = alike, no upper end.

    Half a count is added to every bin, so that an empty one does not make it infinite. 0.1 is customarily a moderate
    shift, 0.25 a large one (N. Siddiqi, Credit Risk Scorecards, 2006). Without drift its mean is about
    (bins - 1) * (1/n + 1/m) (B. Yurdakul, Statistical Properties of Population Stability Index, 2018).
    """
    r, c = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (reference, current))
    return float(np.sum((c - r) * np.log(c / r)))


def js(reference: np.ndarray, current: np.ndarray) -> float:
    """Jensen-Shannon distance, base 2: 0 = alike, 1 = nothing in common (J. Lin, IEEE Trans. Inf. Theory 37, 1991)."""
    r, c = reference / reference.sum(), current / current.sum()
    middle = (r + c) / 2
    entropies = [np.sum(p[p > 0] * np.log2(p[p > 0] / middle[p > 0])) for p in (r, c)]
    return float(np.sqrt(max(0.0, sum(entropies) / 2)))


def ks(reference: np.ndarray, current: np.ndarray) -> float:
    """Kolmogorov-Smirnov D, the largest gap between the two distribution functions, 0 to 1. Bins must be in order.

    The effect size alone (Smirnov, Ann. Math. Statist. 19, 1948). Exact where each bin holds one distinct value.
    """
    r, c = np.cumsum(reference) / reference.sum(), np.cumsum(current) / current.sum()
    return float(np.max(np.abs(r - c)))


def number_bins(reference: np.ndarray) -> np.ndarray:
    """Inner edges, float64 (at most BINS - 1,), that put equal shares of the reference into the bins.

    Equal-width bins would put nearly all of a heavy tail into one. Where values repeat there are fewer bins.
    """
    return np.unique(np.quantile(reference, np.arange(1, BINS) / BINS))


def count_numbers(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Values a bin, int64 (len(edges) + 1,); a bin holds its upper edge."""
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)


def category_bins(reference: np.ndarray) -> np.ndarray:
    """The categories with at least RARE of the reference, object (n,)."""
    counts = pd.Series(reference).value_counts()
    return np.sort(counts.index[counts >= RARE * len(reference)].to_numpy(dtype="object"))


def count_categories(values: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """Values a category, int64 (len(categories) + 1,); the last counts every other one, unheard-of ones too."""
    codes = pd.Index(categories).get_indexer(pd.Index(values))
    return np.bincount(np.where(codes < 0, len(categories), codes), minlength=len(categories) + 1)


def numbers_psi(reference: np.ndarray, current: np.ndarray) -> float:
    """PSI of numbers in bins of equal reference shares."""
    edges = number_bins(reference)
    return psi(count_numbers(reference, edges), count_numbers(current, edges))


def numbers_ks(reference: np.ndarray, current: np.ndarray) -> float:
    """Exact KS D of numbers."""
    grid = np.unique(np.concatenate([reference, current]))
    return ks(count_numbers(reference, grid), count_numbers(current, grid))


def categories_psi(reference: np.ndarray, current: np.ndarray) -> float:
    """PSI of categories, rare ones counted as one."""
    categories = category_bins(reference)
    return psi(count_categories(reference, categories), count_categories(current, categories))


def categories_js(reference: np.ndarray, current: np.ndarray) -> float:
    """Jensen-Shannon distance of categories, rare ones counted as one."""
    categories = category_bins(reference)
    return js(count_categories(reference, categories), count_categories(current, categories))


def compare_numbers(current: np.ndarray, weeks: Sequence[np.ndarray]) -> dict[Name, Comparison]:
    """psi and ks of numbers, float64 without NaN. `weeks` are the reference's, two or more, none of them empty."""
    reference = np.concatenate(weeks)
    edges, grid = number_bins(reference), np.unique(np.concatenate([reference, current]))
    return {
        "psi": _compare(psi, count_numbers(current, edges), [count_numbers(week, edges) for week in weeks]),
        "ks": _compare(ks, count_numbers(current, grid), [count_numbers(week, grid) for week in weeks]),
    }


def compare_categories(current: np.ndarray, weeks: Sequence[np.ndarray]) -> dict[Name, Comparison]:
    """psi and js of categories, objects without None. `weeks` are the reference's, two or more, none of them empty."""
    categories = category_bins(np.concatenate(weeks))
    counts = [count_categories(week, categories) for week in weeks]
    now = count_categories(current, categories)
    return {"psi": _compare(psi, now, counts), "js": _compare(js, now, counts)}


def _compare(statistic: Statistic, current: np.ndarray, weeks: Sequence[np.ndarray]) -> Comparison:
    total = np.sum(weeks, axis=0)
    return Comparison(statistic(total, current), tuple(statistic(total - week, week) for week in weeks))


def noise_floor(undrifted: Sequence[float], chance: float, power: int = 1) -> float:
    """The value a statistic of an undrifted sample exceeds with probability `chance`.

    `undrifted` are its values between samples known not to have drifted: each reference week against the others. They
    hold what no formula knows, that lines come in baskets and that weeks differ. Their mean alone is used, as a few
    weeks say little about a tail: PSI of clustered counts is a weighted sum of chi-squares (Rao and Scott, Ann.
    Statist. 12, 1984), and its tail is taken to be exponential, that of two degrees of freedom. With the mean
    of K exponentials estimated, the next one exceeds c means with probability (1 + c/K)^-K (Lawless, Technometrics 13,
    1971). `power` 2 is for ks and js, which are like square roots of such sums.
    """
    n = len(undrifted)
    mean = float(np.mean(np.asarray(undrifted) ** power))
    return float((mean * n * (chance ** (-1 / n) - 1)) ** (1 / power))
