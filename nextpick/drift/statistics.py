"""How far two samples are apart, and how far apart chance alone puts them.

The statistics take counts, not values: int64 (bins,), one array for the reference and one for the current sample, the
same bins for both. `number_bins`, `category_bins` and `grid` choose the bins, always from the data, never by a p-value:
a p-value at n = 100,000 alarms on a shift nobody would act on. So there is no chi-square test of categories either: its
p-value has that fault, and takes lines of one basket for independent; js is the size of the same difference.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

BINS = 10
GRID = 1000  # points at which ks compares distributions with more distinct values
FOLDED = "(each rarer than 1%)"
RARE = 0.01  # a category with a smaller share of the reference is counted with the other rare ones
MIN_PAIRS = 6  # of steps between weeks, as six weeks have
Name = Literal["psi", "ks", "js"]
# Degrees of freedom a direction. Where one is longer than the others it alone makes the tail, which a chi-square of the
# same mean and variance does not know: hence half of them. Kolmogorov's D, squared, has but 3 to 5 over 9.
SHAPE: dict[Name, float] = {"psi": 0.5, "js": 0.5, "ks": 0.25}
Statistic = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Comparison:
    """A statistic of the current sample against all reference weeks, and of each week against the others.

    `freedom`: what noise_floor takes for the shape of its tail. `ahead`: see `ahead`.
    """

    value: float
    undrifted: tuple[float, ...]
    freedom: float
    ahead: float = 1.0


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
    return _count_sorted(np.sort(values), edges)


def grid(values: np.ndarray) -> np.ndarray:
    """Where ks compares: the distinct values, or GRID of them with equal shares between, which costs it 1 / GRID."""
    ordered = np.sort(values)
    distinct = ordered[np.append(ordered[1:] != ordered[:-1], True)]
    return distinct if len(distinct) <= GRID else np.unique(ordered[:: -(-len(ordered) // GRID)])


def category_bins(reference: np.ndarray) -> np.ndarray:
    """The categories with at least RARE of the reference, object (n,); never FOLDED, which is the others."""
    counts = pd.Series(reference).value_counts().drop(FOLDED, errors="ignore")
    return np.sort(counts.index[counts >= RARE * len(reference)].to_numpy(dtype="object"))


def folded(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The same categories, object (n,), where all that are not of `category_bins` are FOLDED: no statistic changes."""
    return np.where(np.isin(values, category_bins(reference)), values, FOLDED).astype("object")


def count_categories(values: np.ndarray, categories: np.ndarray) -> np.ndarray:
    """Values a category, int64 (len(categories) + 1,); the last counts every other one, unheard-of ones too."""
    codes = pd.Index(categories).get_indexer(pd.Index(values))
    return np.bincount(np.where(codes < 0, len(categories), codes), minlength=len(categories) + 1)


def numbers_psi(reference: np.ndarray, current: np.ndarray) -> float:
    """PSI of numbers in bins of equal reference shares."""
    edges = number_bins(reference)
    return psi(count_numbers(reference, edges), count_numbers(current, edges))


def numbers_ks(reference: np.ndarray, current: np.ndarray) -> float:
    """KS D of numbers, on `grid`."""
    points = grid(np.concatenate([reference, current]))
    return ks(count_numbers(reference, points), count_numbers(current, points))


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
    samples = [np.sort(sample) for sample in (current, *weeks)]
    edges, points = number_bins(np.concatenate(weeks)), grid(np.concatenate(samples))
    binned, at_points = (np.stack([_count_sorted(sample, at) for sample in samples]) for at in (edges, points))
    free, far = directions(binned[1:]), ahead(binned[1:])
    return {
        "psi": _compare(psi, binned, free * SHAPE["psi"], far),
        "ks": _compare(ks, at_points, free * SHAPE["ks"], far),
    }


def compare_categories(current: np.ndarray, weeks: Sequence[np.ndarray]) -> dict[Name, Comparison]:
    """psi and js of categories, objects without None. `weeks` are the reference's, two or more, none of them empty."""
    samples = [current, *weeks]
    codes, names = pd.factorize(np.concatenate(samples))  # text is looked at once: it is what takes the time
    parts = np.split(codes, np.cumsum([len(sample) for sample in samples])[:-1])
    table = np.stack([np.bincount(part, minlength=len(names)) for part in parts])
    often = table[1:].sum(axis=0) >= RARE * len(codes[len(current) :])
    counts = np.column_stack([table[:, often], table[:, ~often].sum(axis=1)])
    free, far = directions(counts[1:]), ahead(counts[1:])
    return {"psi": _compare(psi, counts, free * SHAPE["psi"], far), "js": _compare(js, counts, free * SHAPE["js"], far)}


def _compare(statistic: Statistic, counts: np.ndarray, freedom: float, far: float) -> Comparison:
    """`counts` (1 + weeks, bins): the current sample's, then each week's."""
    current, weeks = counts[0], counts[1:]
    total = weeks.sum(axis=0)
    undrifted = tuple(statistic(total - week, week) for week in weeks)
    return Comparison(statistic(total, current), undrifted, max(1.0, freedom), far)


def ahead(weeks: np.ndarray) -> float:
    """How many times as far psi puts a week after all others from them as these are from one another, undrifted.

    What is in fashion changes slowly: the more weeks lie between two, the farther they are apart, and tonight has all
    of them on one side. The psi of each two of `weeks` (weeks, bins), week by week, is fitted by a + b * (weeks between
    them), a and b at least 0: a linear variogram with a nugget (G. Matheron, Principles of Geostatistics, Economic
    Geology 58, 1963), from which every other distance follows. Weeks at random give nearly 1; among 8 weeks, ones that
    only ever go on from the week before give 1.86.
    """
    shares = (weeks + 0.5) / (weeks.sum(axis=1, keepdims=True) + 0.5 * weeks.shape[1])
    products = shares @ np.log(shares).T
    own = np.diag(products)
    newer, older = np.triu_indices(len(weeks), 1)
    apart, between = (own[:, None] + own - products - products.T)[newer, older], older - newer
    slope = max(0.0, float(np.polyfit(between, apart, 1)[0]))
    nugget = max(0.0, float(apart.mean() - slope * between.mean()))
    slope = slope if nugget else float(apart.mean() / between.mean())
    steps = np.abs(np.subtract.outer(np.arange(len(weeks) + 1), np.arange(len(weeks) + 1)))
    tonight, *among = _from_the_others((nugget + slope * steps) * (steps > 0))
    return tonight / float(np.mean(among)) if apart.any() else 1.0


def _from_the_others(apart: np.ndarray) -> list[float]:
    """How far a week is from the mean of others, of what each two are apart, (weeks, weeks): the first one from all,
    then each other one from those but the first."""
    found = []
    for week in range(len(apart)):
        others = np.delete(np.arange(len(apart)), [0, week])
        found.append(float(apart[week, others].mean() - apart[np.ix_(others, others)].mean() / 2))
    return found


def independent(nights: np.ndarray) -> float:
    """How many nights that have nothing in common say as much about how far weeks differ: 1 to their number.

    `nights` (nights, weeks), NaN where nothing is known: one value each. A week that is odd is odd on all of its
    nights. What they have in common is told by an analysis of variance (R. Fisher, Statistical Methods for Research
    Workers, 1925, on intraclass correlations), and what they are worth by Satterthwaite, as in `directions`.
    """
    count, weeks = nights.shape
    moves = np.nan_to_num(nights - np.nanmean(nights, axis=1, keepdims=True))
    common = count * float((moves.mean(axis=0) ** 2).sum()) / (weeks - 1)
    own = (float((moves**2).sum()) / (weeks - 1) - common) / max(1, count - 1)
    alike = max(0.0, common - own) / count
    share = alike / (alike + own) if alike else 0.0
    return count / (1 + (count - 1) * share**2)


def directions(weeks: np.ndarray) -> float:
    """In how many directions weeks differ from one another, 1 to bins - 1, of counts (weeks, bins), week by week.

    tr(V)^2 / tr(V^2) of the covariance V of their shares, scaled so that psi is near a sum of squares: the degrees of
    freedom of the chi-square that is most like it (F. Satterthwaite, Biometrics Bulletin 2, 1946). Rows at random
    give bins - 1; weeks that differ along one line, as when all prices rise, give 1. V is that of the steps from week
    to week, so that a season does not make one line of it; and tr(V^2) is taken over pairs of steps that have no week
    in common, which are independent. Fewer than MIN_PAIRS of them say nothing: 1.
    """
    total = weeks.sum(axis=0, dtype=np.float64)
    shares = weeks[:, total > 0] / weeks.sum(axis=1, keepdims=True)
    steps = np.diff(shares, axis=0)
    products = (steps / (total[total > 0] / total.sum())) @ steps.T
    apart = products[np.triu_indices(len(steps), 2)]
    mean, square = float(np.trace(products)) / len(steps), float((apart**2).sum()) / max(1, len(apart))
    most = max(1.0, shares.shape[1] - 1.0)
    if len(apart) < MIN_PAIRS or mean == 0:
        return 1.0
    return float(np.clip(mean**2 / square, 1.0, most)) if square > 0 else most


def _count_sorted(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """What count_numbers counts, of values in order: few edges are looked up among many values."""
    below = np.searchsorted(values, edges, side="right")
    counts = np.empty(len(edges) + 1, np.int64)
    counts[:-1], counts[-1] = below, len(values)
    counts[1:] -= below
    return counts


def shift(before: float, now: float) -> float:
    """Cohen's h of two shares, 2 asin(sqrt(now)) - 2 asin(sqrt(before)), -pi to pi.

    The same step is as hard to see wherever it begins: its variance is near 1 / n (J. Cohen, Statistical Power Analysis
    for the Behavioral Sciences, 2nd ed. 1988, chapter 6).
    """
    return float(2 * np.arcsin(np.sqrt(now)) - 2 * np.arcsin(np.sqrt(before)))


def shifted(before: float, h: float) -> float:
    """The share that lies `h` from another: what `shift` undoes, 0 or 1 where there is none."""
    return float(np.sin(np.clip(np.arcsin(np.sqrt(before)) + h / 2, 0, np.pi / 2)) ** 2)


def noise_floor(
    undrifted: Sequence[float], chance: float, power: int = 1, freedom: float = 2.0, means: float = 1
) -> float:
    """The value a statistic of an undrifted sample exceeds with probability `chance`.

    `undrifted` are its values between samples known not to have drifted: each reference week against the others. They
    hold what no formula knows, that lines come in baskets and that weeks differ: whole weeks are compared, so no basket
    is ever torn apart. Their mean alone is used, as a few weeks say little about a tail: PSI of clustered counts is a
    weighted sum of chi-squares (Rao and Scott, Ann. Statist. 12, 1984). Its tail is taken to be that of a chi-square of
    `freedom` degrees, the fewer the longer. The mean of K values has freedom * (K - 1) degrees, one K less for each of
    the `means` they are taken from, and for each that says nothing beyond the others, so the next value over it is
    Fisher's F (for one degree Student's t, squared).
    `power` 2 is for statistics that are like square roots of such sums.
    """
    mean = float(np.mean(np.abs(undrifted) ** power))
    return float((mean * special.fdtri(freedom, freedom * (len(undrifted) - means), 1 - chance)) ** (1 / power))


def chance_beyond(
    bar: float, undrifted: Sequence[float], power: int = 1, freedom: float = 2.0, means: float = 1
) -> float:
    """The probability that a statistic of an undrifted sample exceeds `bar`: what `noise_floor` undoes."""
    mean = float(np.mean(np.abs(undrifted) ** power))
    return float(special.fdtrc(freedom, freedom * (len(undrifted) - means), bar**power / mean)) if mean else 0.0
