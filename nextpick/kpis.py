"""What recommendations bring, and what chance may have added: pure, so that CLI, /metrics and tests say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, gamma, sqrt

Z = 1.959963984540054  # 95 % of a normal distribution lie within so many standard deviations
SUSPECT = 0.001  # a sample ratio less likely than this is a fault of the split, not chance


@dataclass(frozen=True)
class Counts:
    """Of the answers of a variant and release: how many there were; those with an event of `kind` on an item that they
    showed (`taken`); the events; the sum of their values; and the sum of each answer's squared."""

    variant: str
    release_id: int
    kind: str
    answers: int
    taken: int
    events: int
    revenue: float
    squares: float


@dataclass(frozen=True)
class Arm:
    """A variant with the share of users it should have, and how many it had."""

    variant: str
    share: float
    users: int


@dataclass(frozen=True)
class Estimate:
    """A figure, and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def share(taken: int, answers: int) -> Estimate | None:
    """What share of answers was taken, in Wilson's interval; None where there was no answer. The answers of one user
    count as independent, which they are not quite: where few users ask often, the true interval is wider.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927); why not the
    usual p +- z sqrt(p(1-p)/n): L. D. Brown, T. T. Cai, A. DasGupta, "Interval estimation for a binomial proportion",
    Statistical Science 16 (2001).
    """
    if answers <= 0:
        return None
    p = taken / answers
    scale = 1 + Z * Z / answers
    middle = (p + Z * Z / (2 * answers)) / scale
    half = Z * sqrt(p * (1 - p) / answers + Z * Z / (4 * answers * answers)) / scale
    return Estimate(p, max(0.0, min(p, middle - half)), min(1.0, max(p, middle + half)))


def per_answer(revenue: float, squares: float, answers: int) -> Estimate | None:
    """Revenue an answer, those without any included, in the interval of the central limit theorem; None with fewer than
    two answers. The sums are all it needs: s^2 = (sum x^2 - (sum x)^2 / n) / (n - 1).

    How many answers that takes where few spend much: at least 355 times the squared skewness (R. Kohavi et al., "Seven
    rules of thumb for web site experimenters", KDD 2014, rule 7).
    """
    if answers < 2:
        return None
    mean = revenue / answers
    variance = max(0.0, squares - revenue * mean) / (answers - 1)
    half = Z * sqrt(variance / answers)
    return Estimate(mean, mean - half, mean + half)


def sample_ratio(arms: Sequence[Arm]) -> float | None:
    """How likely chance alone makes users fall so unevenly on the variants, by Pearson's chi-square; below SUSPECT the
    split is broken, and what it measured is void. None with one variant, or fewer than five users to expect in any.

    A. Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", KDD 2019.
    """
    users, shares = sum(arm.users for arm in arms), sum(arm.share for arm in arms)
    expected = [users * arm.share / shares for arm in arms] if shares else []
    if len(arms) < 2 or not expected or min(expected) < 5:
        return None
    square = sum((arm.users - wanted) ** 2 / wanted for arm, wanted in zip(arms, expected, strict=True))
    return _beyond(square, len(arms) - 1)


def _beyond(square: float, freedom: int) -> float:
    """How likely chi-square of so many degrees, 1 at least, is at least this: by its upper incomplete gamma function,
    Q(a + 1, x) = Q(a, x) + x^a e^-x / gamma(a + 1) from Q(1/2, x) = erfc(sqrt(x)), Q(1, x) = e^-x (NIST DLMF 8.8.6).

    Not SciPy's: the API's image does without all of it but sparse matrices.
    """
    x, a = square / 2, 1.0 - freedom % 2 / 2
    found = erfc(sqrt(x)) if freedom % 2 else exp(-x)
    while a < freedom / 2:
        found += x**a * exp(-x) / gamma(a + 1)
        a += 1
    return found
