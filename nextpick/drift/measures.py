"""What is measured of one night, before anybody says how much is too much.

Everything is compared with the reference weeks, and each of these with the others, so that each finding brings the
values it has where nothing drifted. Its size is never a p-value.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pandas as pd

from nextpick.drift.columns import SERVED, Class, Column, Direction, Number, Rate
from nextpick.drift.statistics import (
    category_bins,
    compare_categories,
    compare_numbers,
    count_categories,
    independent,
    shift,
)
from nextpick.params import DriftParams, DriftStatistic

MIN_WEEKS = 4  # fewer say nothing about how much weeks differ
NOTHING = 2**-10  # of the least there ever was: so much is what cannot be halved any more
POWER: dict[DriftStatistic, int] = {name: 1 if name == "psi" else 2 for name in get_args(DriftStatistic)}
EXPECTED, SPARE = 10, 2  # rows of a category, fewer of which are none by chance; and that are as good as none
LEFT = 0.05  # of what a category had: some rows of the evening before may lie in the window
_SIGN: dict[Direction, int] = {"up": 1, "down": -1, "both": 0}


@dataclass(frozen=True)
class Finding:
    """One statistic of one column. `value` is None where too few rows tell; it is what people are shown.

    `size` is what the bars are for: above 0 where the value moved, below where it moved to the harmless side.
    `undrifted`, `freedom`, `means`: see statistics.noise_floor. `scale`: how much larger than among the weeks chance is
    for the current window, which may be smaller, and comes after all of them. `n`: rows of the reference and of the
    current window. `base`: a share as it was before. `sides`: on so many a large size alarms.
    """

    column_name: str
    statistic: DriftStatistic
    kind: Class
    n: tuple[int, int]
    value: float | None = None
    size: float = 0.0
    undrifted: tuple[float, ...] = ()
    freedom: float = 1.0
    means: float = 1
    scale: float = 1.0
    base: float | None = None
    sides: int = 2


def of_column(column: Column, params: DriftParams) -> list[Finding]:
    """How far the values moved, and how many more are missing; the latter is left out where none ever was."""
    rows = column.current, *column.weeks
    current, *everything = (known(values) for values in rows)
    gaps = [(len(a) - len(b), len(a)) for a, b in zip(rows, (current, *everything), strict=True)]
    missing = _missing_values(column.name, gaps, params)
    weeks = [week for week in everything if len(week) >= params.min_rows]
    if len(current) < params.min_rows or len(weeks) < MIN_WEEKS:
        n = sum(len(week) for week in everything), len(current)
        return [*missing, Finding(column.name, "psi", "distribution", n)]
    n = sum(len(week) for week in weeks), len(current)
    scale = _scale(n[1], [len(week) for week in weeks])
    compare = compare_numbers if column.kind == "number" else compare_categories
    moved = [
        Finding(
            column.name, name, "distribution", n, it.value, it.value, it.undrifted, it.freedom, scale=scale * it.ahead
        )
        for name, it in compare(current, weeks).items()
    ]
    served = column.name.startswith(SERVED)  # a source of answers that is gone may be for the better
    if column.kind == "number":
        lost = _dead(column.name, current, weeks, params) if served else []
    else:
        lost = [] if served else _lost(column.name, current, weeks, params)
    return [*missing, *lost, *moved]


def of_rate(rate: Rate, params: DriftParams) -> Finding:
    """How far a share moved, by Cohen's h; shown as the difference of the shares."""
    weeks = _usable_rates(rate.weeks, params)
    n = sum(trials for _, trials in rate.weeks), rate.current[1]
    if rate.current[1] < params.min_rows or len(weeks) < MIN_WEEKS:
        return Finding(rate.name, rate.statistic, rate.kind, n)
    spans = [rate.weeks, *(night for night in rate.other_nights if len(_usable_rates(night, params)) >= MIN_WEEKS)]
    nights = [_usable_rates(night, params) for night in spans]
    angles = [[np.arcsin(np.sqrt(a / b)) if b >= params.min_rows else np.nan for a, b in night] for night in spans]
    total = weeks.sum(axis=0)
    before, now = float(total[0] / total[1]), rate.current[0] / rate.current[1]
    h = shift(before, now)
    return Finding(
        rate.name,
        rate.statistic,
        rate.kind,
        (int(total[1]), rate.current[1]),
        value=now - before,
        size=h * _SIGN[rate.bad] or abs(h),
        undrifted=tuple(apart for night in nights for apart in _shifts(night)),
        means=_means([len(night) for night in nights], angles),
        scale=_scale(rate.current[1], weeks[:, 1].tolist()),
        base=before,
        sides=2 if rate.bad == "both" else 1,
    )


def of_number(number: Number, params: DriftParams) -> Finding:
    """How many times a number has doubled (1.0) or halved (-1.0) against the middle week.

    Of a count a week with fewer than min_rows, as the shop was closed, is no yardstick.
    """
    counts = number.statistic == "volume"
    least = params.min_rows if counts else 0.0
    n = (int(sum(week or 0 for week in number.weeks)), int(number.current or 0)) if counts else number.n
    weeks = _usable_numbers(number.weeks, least)
    if number.current is None or len(weeks) < MIN_WEEKS:
        return Finding(number.name, number.statistic, number.kind, n)
    spans = [number.weeks, *(night for night in number.other_nights if _is_usual(night, weeks, least))]
    nights = [_usable_numbers(night, least) for night in spans]
    logs = [[np.log2(week) if week and week >= least else np.nan for week in night] for night in spans]
    value = float(np.log2(max(number.current, weeks.min() * NOTHING)) - np.median(np.log2(weeks)))
    return Finding(
        number.name,
        number.statistic,
        number.kind,
        n,
        value=value,
        size=value * _SIGN[number.bad] or abs(value),
        undrifted=tuple(apart for night in nights for apart in _doublings(night)),
        means=_means([len(night) for night in nights], logs),
        sides=2 if number.bad == "both" else 1,
    )


def comparable(column: Column, params: DriftParams) -> bool:
    """Whether a column has rows enough, in the current window and in MIN_WEEKS reference weeks."""
    return len(known(column.current)) >= params.min_rows and len(usable_weeks(column, params)) >= MIN_WEEKS


def usable_weeks(column: Column, params: DriftParams) -> list[np.ndarray]:
    """The known values of the reference weeks that have rows enough; a week the shop was closed is no yardstick."""
    return [values for week in column.weeks if len(values := known(week)) >= params.min_rows]


def known(values: np.ndarray) -> np.ndarray:
    """The values that are not missing."""
    gaps = _missing(values)
    return values[~gaps] if gaps.any() else values


def _missing(values: np.ndarray) -> np.ndarray:
    """An infinite number is as good as none, as Evidently has it too."""
    return ~np.isfinite(values) if values.dtype.kind == "f" else pd.isna(values)


def _missing_values(name: str, gaps: Sequence[tuple[int, int]], params: DriftParams) -> list[Finding]:
    """`gaps`: missing values, and all, now and in each week."""
    if not any(missing for missing, _ in gaps):
        return []
    found = of_rate(Rate(name, "contract", gaps[0], tuple(gaps[1:]), "up", "missing"), params)
    return [] if found.value is None else [found]


def _lost(name: str, current: np.ndarray, weeks: Sequence[np.ndarray], params: DriftParams) -> list[Finding]:
    """The most usual category that has hardly a row any more; nothing where none is gone.

    As a share of its own it is seen among baskets whose mix of all the others moves psi and js by as much.
    """
    usual = category_bins(np.concatenate(weeks))
    now = count_categories(current, usual)[:-1]
    counts = np.stack([count_categories(week, usual)[:-1] for week in weeks])
    before = counts.sum(axis=0)
    gone = now * sum(map(len, weeks)) <= LEFT * before * len(current)
    if not gone.any():
        return []
    which = int(np.argmax(np.where(gone, before, -1)))
    was = tuple(zip(counts[:, which].tolist(), map(len, weeks), strict=True))
    return _gone(name, (int(now[which]), len(current)), was, params)


def _dead(name: str, current: np.ndarray, weeks: Sequence[np.ndarray], params: DriftParams) -> list[Finding]:
    """How many rows had another value than the one that all of them have now; nothing where they have several.

    So it is seen among weeks that differ in all the values they have as far as psi and ks tell them from one value.
    """
    if (current != current[0]).any():
        return []
    was = tuple((int((week != current[0]).sum()), len(week)) for week in weeks)
    return _gone(name, (0, len(current)), was, params)


def _gone(name: str, now: tuple[int, int], weeks: tuple[tuple[int, int], ...], params: DriftParams) -> list[Finding]:
    """A share that is gone: as far as h has it, but where chance is concerned as often as it halved.

    By h the way from twice the usual share to half of it is as long as from half of it to nothing, so a category whose
    weeks differ that much could never be told to be gone; and no week is a thousandth of the one before.
    """
    found = of_rate(Rate(name, "contract", now, weeks, "down", "lost"), params)
    if found.value is None or found.base is None or found.base * now[1] < EXPECTED:
        return []
    logs = np.array([np.log2((rows + SPARE) / of) for rows, of in weeks])
    halved = float(logs.mean() - np.log2((now[0] + SPARE) / now[1]))
    if halved <= 0:  # in most weeks there was none either
        return []
    apart = [found.size / halved * float(log - np.delete(logs, i).mean()) for i, log in enumerate(logs)]
    return [replace(found, undrifted=tuple(apart))]


def _means(sizes: Sequence[int], nights: Sequence[Sequence[float]]) -> float:
    """See statistics.noise_floor: of nights of so many weeks, whose values are `nights`, NaN where nothing is known."""
    return sum(sizes) - (sum(sizes) - len(sizes)) * independent(np.array(nights)) / len(sizes)


def _is_usual(night: Sequence[float | None], weeks: np.ndarray, least: float) -> bool:
    """Whether a night has weeks enough, and the shop is open on it as on the one of `weeks`."""
    usable = _usable_numbers(night, least)
    return len(usable) >= MIN_WEEKS and bool(np.median(usable) >= np.median(weeks) / 2)


def _usable_rates(weeks: Sequence[tuple[int, int]], params: DriftParams) -> np.ndarray:
    return np.array([week for week in weeks if week[1] >= params.min_rows], np.float64).reshape(-1, 2)


def _usable_numbers(weeks: Sequence[float | None], least: float) -> np.ndarray:
    return np.array([week for week in weeks if week and week >= least], np.float64)


def _doublings(weeks: np.ndarray) -> list[float]:
    """Of each week from the middle one of the others."""
    logs = np.log2(weeks)
    return [float(logs[i] - np.median(np.delete(logs, i))) for i in range(len(logs))]


def _shifts(weeks: np.ndarray) -> list[float]:
    """Of each week from the others, `weeks` (n, 2) being successes and trials."""
    others = weeks.sum(axis=0) - weeks
    shares = zip(others[:, 0] / others[:, 1], weeks[:, 0] / weeks[:, 1], strict=True)
    return [shift(float(before), float(now)) for before, now in shares]


def _scale(current: int, weeks: Sequence[int]) -> float:
    """How much larger chance is for the current window's size than for the weeks it was measured on; at least 1."""
    total = sum(weeks)
    among_weeks = float(np.mean([1 / week + 1 / (total - week) for week in weeks]))
    return max(1.0, (1 / current + 1 / total) / among_weeks)
