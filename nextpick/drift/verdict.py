"""From columns to a verdict, by two bars: large enough to matter, and larger than chance makes it.

The second bar comes from the reference itself, each of its weeks against the others, and is set so that all columns
of a night together alarm by chance as rarely as params.yaml says. Kinds of trouble: `broken` is for data that do not
arrive or lack what they had, `warn` for data that arrive and look otherwise, `too_few_rows` for what nobody can know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from nextpick.drift.columns import SERVED, Column
from nextpick.drift.statistics import compare_categories, compare_numbers, noise_floor
from nextpick.params import DriftParams, DriftStatistic

Verdict = Literal["ok", "warn", "broken", "too_few_rows"]
MIN_WEEKS = 4  # fewer say nothing about how much weeks differ
SILENT = 0.85  # of the same weekdays that had events, for a day without any to be an alarm
POWER: dict[DriftStatistic, int] = {"psi": 1, "ks": 2, "js": 2, "missing": 2, "volume": 2}  # see noise_floor


@dataclass(frozen=True)
class Measure:
    """One statistic of one column. `value`, `threshold` and `noise_floor` are None where there are too few rows."""

    column_name: str
    statistic: str
    value: float | None
    threshold: float | None
    noise_floor: float | None
    reference_n: int
    current_n: int
    verdict: Verdict

    @property
    def drifted(self) -> bool:
        """Whether this measure is an alarm."""
        return self.verdict in ("warn", "broken")


@dataclass(frozen=True)
class Silence:
    """Live events in the day before the report, and in the same day of each reference week."""

    last_day: int
    before: tuple[int, ...]


@dataclass(frozen=True)
class Judgement:
    """The verdict of a night, a sentence for each reason, and every measure, alarms first."""

    verdict: Verdict
    reasons: tuple[str, ...]
    measures: tuple[Measure, ...]

    @property
    def alarms(self) -> tuple[Measure, ...]:
        """The measures that are alarms."""
        return tuple(measure for measure in self.measures if measure.drifted)


def judge(
    columns: Sequence[Column], volume: tuple[int, Sequence[int]], silence: Silence, params: DriftParams
) -> Judgement:
    """The judgement of a night. `volume` is the current window's interactions and each reference week's."""
    judged = [column for column in columns if comparable(column, params)]
    chance = params.false_alarms_per_night / (3 * len(judged) + 1)
    measures = [
        *_measure_silence(silence),
        *_measure_volume(volume[0], volume[1], params, chance),
        *(measure for column in columns for measure in _measure_column(column, params, chance)),
    ]
    measures.sort(key=_urgency, reverse=True)
    verdict = _worst([measure.verdict for measure in measures])
    return Judgement(verdict, tuple(_reasons(measures, params)), tuple(measures))


def comparable(column: Column, params: DriftParams) -> bool:
    """Whether a column has rows enough, in the current window and in MIN_WEEKS reference weeks."""
    return len(known(column.current)) >= params.min_rows and len(usable_weeks(column, params)) >= MIN_WEEKS


def usable_weeks(column: Column, params: DriftParams) -> list[np.ndarray]:
    """The known values of the reference weeks that have rows enough; a week the shop was closed is no yardstick."""
    return [values for week in column.weeks if len(values := known(week)) >= params.min_rows]


def known(values: np.ndarray) -> np.ndarray:
    """The values that are not missing."""
    return values[~_missing(values)]


def _missing(values: np.ndarray) -> np.ndarray:
    """An infinite number is as good as none, as Evidently has it too."""
    return ~np.isfinite(values) if values.dtype.kind == "f" else pd.isna(values)


def _measure_column(column: Column, params: DriftParams, chance: float) -> list[Measure]:
    missing = _measure_missing(column, params, chance)
    weeks, current = usable_weeks(column, params), known(column.current)
    n = sum(len(week) for week in weeks), len(current)
    if not comparable(column, params):
        n = sum(len(known(week)) for week in column.weeks), len(current)
        return [*missing, Measure(column.name, "psi", None, None, None, *n, "too_few_rows")]
    compare = compare_numbers if column.kind == "number" else compare_categories
    scale = _scale(n[1], [len(week) for week in weeks])
    found = []
    for statistic, comparison in compare(current, weeks).items():
        floor = noise_floor(comparison.undrifted, chance, POWER[statistic]) * scale ** (1 / POWER[statistic])
        found.append(_measure(column.name, statistic, comparison.value, floor, n, params))
    return [*missing, *found]


def _measure_missing(column: Column, params: DriftParams, chance: float) -> list[Measure]:
    """How much larger the share of missing values has become; nothing where none ever was or rows are few."""
    weeks = [week for week in column.weeks if len(week) >= params.min_rows]
    if len(column.current) < params.min_rows or len(weeks) < MIN_WEEKS:
        return []
    gaps = np.array([_missing(week).sum() for week in weeks], np.float64)
    sizes = np.array([len(week) for week in weeks], np.float64)
    value = float(_missing(column.current).mean() - gaps.sum() / sizes.sum())
    if not gaps.any() and value == 0:
        return []
    undrifted = gaps / sizes - (gaps.sum() - gaps) / (sizes.sum() - sizes)
    floor = noise_floor(undrifted.tolist(), chance, POWER["missing"])
    n = int(sizes.sum()), len(column.current)
    return [_measure(column.name, "missing", value, floor, n, params, "broken")]


def _measure_volume(current: int, weeks: Sequence[int], params: DriftParams, chance: float) -> list[Measure]:
    """How many times the interactions have doubled (1.0) or halved (-1.0) against the middle week."""
    usable = np.array([week for week in weeks if week >= params.min_rows])
    n = sum(weeks), current
    if len(usable) < MIN_WEEKS:
        return [Measure("interactions", "volume", None, None, None, *n, "too_few_rows")]
    logs = np.log2(usable)
    value = float(np.log2(max(current, 1)) - np.median(logs))
    undrifted = [float(logs[i] - np.median(np.delete(logs, i))) for i in range(len(logs))]
    floor = noise_floor(undrifted, chance, POWER["volume"])
    return [_measure("interactions", "volume", value, floor, n, params, "broken" if value < 0 else "warn")]


def _measure_silence(silence: Silence) -> list[Measure]:
    """The share of the same weekdays with live events, where the last day had none; 0 where it had some."""
    if not silence.before or not sum(silence.before):
        return []  # nothing ever came in live: data are loaded in bulk, and a day without is no news
    value = 0.0 if silence.last_day else sum(day > 0 for day in silence.before) / len(silence.before)
    verdict: Verdict = "broken" if value > SILENT else "ok"
    return [Measure("live_events", "silence", value, SILENT, None, sum(silence.before), silence.last_day, verdict)]


def _measure(
    name: str,
    statistic: DriftStatistic,
    value: float,
    floor: float,
    n: tuple[int, int],
    params: DriftParams,
    alarm: Verdict = "warn",
) -> Measure:
    threshold = max(params.effect[statistic], floor)
    size = abs(value) if statistic == "volume" else value
    return Measure(name, statistic, value, threshold, floor, *n, alarm if size > threshold else "ok")


def _scale(current: int, weeks: Sequence[int]) -> float:
    """How much larger chance is for the current window's size than for the weeks it was measured on; at least 1."""
    total = sum(weeks)
    among_weeks = float(np.mean([1 / week + 1 / (total - week) for week in weeks]))
    return max(1.0, (1 / current + 1 / total) / among_weeks)


_RANK: dict[Verdict, int] = {"broken": 3, "warn": 2, "ok": 1, "too_few_rows": 0}


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Too few rows only where nothing could be judged."""
    return max(verdicts, key=lambda verdict: _RANK[verdict], default="too_few_rows")


def _urgency(measure: Measure) -> tuple[int, float]:
    """Alarms come first, those farthest over their thresholds before the others; the rest keeps its order."""
    if not measure.drifted:
        return 0, 0.0
    return _RANK[measure.verdict], abs(measure.value or 0.0) / (measure.threshold or 1.0)


def is_news(judgement: Judgement, told: frozenset[tuple[str, str]]) -> bool:
    """Whether there is an alarm besides those already `told`, as (column, statistic)."""
    return any((measure.column_name, measure.statistic) not in told for measure in judgement.alarms)


def _reasons(measures: Sequence[Measure], params: DriftParams) -> list[str]:
    """A sentence a column that alarms, and one about those that could not be judged."""
    names = dict.fromkeys(measure.column_name for measure in measures if measure.drifted)
    reasons = [_sentence([m for m in measures if m.drifted and m.column_name == name]) for name in names]
    few = [measure.column_name for measure in measures if measure.verdict == "too_few_rows"]
    named = [name for name in few if not name.startswith(SERVED)]
    if served := len(few) - len(named):
        named.append(f"{served} columns of served answers")
    if named:
        wanted = f"{params.min_rows} rows now and in {MIN_WEEKS} reference weeks"
        reasons.append(f"Not judged, for want of {wanted}: {', '.join(named)}.")
    return reasons


def _sentence(alarms: Sequence[Measure]) -> str:
    """The alarms of one column in words."""
    name, n = alarms[0].column_name, f"n = {alarms[0].current_n:,} against {alarms[0].reference_n:,}"
    parts = []
    for alarm in alarms:
        value, threshold, floor = alarm.value or 0.0, alarm.threshold or 0.0, alarm.noise_floor or 0.0
        parts.append(
            {
                "silence": f"none in the last day, though {value:.0%} of the same weekdays before had some",
                "volume": f"{2**value:.2g} times the usual week's",
                "missing": f"missing in {100 * value:.1f} of 100 rows more than before",
            }.get(
                alarm.statistic,
                f"{alarm.statistic} {value:.3f} (alarm above {threshold:.3f}, chance explains {floor:.3f})",
            )
        )
    return f"{name}: {'; '.join(parts)}; {n}."
