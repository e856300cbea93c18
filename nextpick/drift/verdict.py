"""From what was measured to a verdict, by two bars: large enough to matter, and larger than chance makes it.

The second bar comes from the reference itself, each of its weeks against the others, anew each night and so with each
release, whose training data the reference follows. Verdicts of a measure:

broken        data do not arrive, or lack what they had: an alarm the first night
alarm         data arrive and look altogether otherwise: an alarm the first night
warn          it moved half as far, and farther than chance explains: an alarm once it is `persistent`
too_few_rows  nobody can know; never `ok`
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from nextpick.drift.columns import Class, Column, Number, Rate
from nextpick.drift.measure import MOVED, Measure, Verdict
from nextpick.drift.measures import POWER, Finding, of_column, of_number, of_rate
from nextpick.drift.reasons import reasons
from nextpick.drift.statistics import chance_beyond, noise_floor, shift, shifted
from nextpick.params import DriftParams

NIGHTS = 2  # before tonight, on one of which what is `persistent` has moved too
SHARES: dict[Class, float] = {"contract": 0.15, "volume": 0.25, "outcome": 0.1, "distribution": 0.5}
LEAST: dict[Class, float] = {"contract": 0.01, "distribution": 0.05, "volume": 0.0, "outcome": 0.0}
SILENT = 0.85  # of the same weekdays that had events, for a day without any to be an alarm


@dataclass(frozen=True)
class Silence:
    """Live events in the day before the report, and in the same day of each reference week.

    `earlier`: where that day had none, the same of each silent day before it, up to six: an open shop's feed that died
    on a Friday is no better on the Saturday on which it is closed.
    """

    last_day: int
    before: tuple[int, ...]
    earlier: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Judgement:
    """The verdict of a night, a sentence for each reason, and every measure, alarms first."""

    verdict: Verdict
    reasons: tuple[str, ...]
    measures: tuple[Measure, ...]

    @property
    def alarms(self) -> tuple[Measure, ...]:
        """The measures that are alarms the first night."""
        return tuple(measure for measure in self.measures if measure.drifted)


class Seen(Protocol):
    """A measure, of tonight or as it was stored."""

    @property
    def column_name(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def verdict(self) -> str: ...


S = TypeVar("S", bound=Seen)


def judge(
    columns: Sequence[Column],
    volume: Number,
    silence: Silence,
    params: DriftParams,
    rates: Sequence[Rate] = (),
    numbers: Sequence[Number] = (),
    others: Sequence[Measure] = (),
) -> Judgement:
    """The judgement of a night, from what `observe` gives and whatever else is watched; `others` are judged already."""
    found = [
        *(of_number(number, params) for number in (volume, *numbers)),
        *(of_rate(rate, params) for rate in rates),
        *(finding for column in columns for finding in of_column(column, params)),
    ]
    chance = _chances(found, params)
    judged = (_judged(finding, params, chance[finding.kind]) for finding in found)
    measures = [*_measure_silence(silence), *others, *judged]
    measures.sort(key=_urgency, reverse=True)
    worst: Verdict = max((measure.verdict for measure in measures), key=_RANK.__getitem__)
    if worst == "ok" and not any(m.verdict == "ok" and m.kind != "contract" for m in measures):
        worst = "too_few_rows"  # that data come, and are whole, says nothing of drift
    return Judgement(worst, tuple(reasons(measures, params)), tuple(measures))


def persistent(tonight: Sequence[S], before: Sequence[Sequence[Seen]]) -> tuple[S, ...]:
    """Tonight's warnings that last: the column moved to the same side on one of the NIGHTS nights before, too.

    `before`: each night's measures, newest first. Leave out nights that looked at the same window as the night after
    them, as where a day without events came between: they know nothing of their own.
    """
    moved = {_side(measure) for night in before[:NIGHTS] for measure in night if measure.verdict in MOVED}
    return tuple(measure for measure in tonight if measure.verdict == "warn" and _side(measure) in moved)


def _chances(found: Sequence[Finding], params: DriftParams) -> dict[Class, float]:
    """How likely each finding of a class may exceed its noise floor by chance.

    Together that comes to what params allow a night. The chance is split (Bonferroni) and not left to Benjamini and
    Hochberg: what is promised is quiet nights, while a false discovery rate promises a share of true alarms among all,
    and on nights without drift, which are nearly all, that comes to the same; and a split leaves each threshold to its
    own column. Distributions are many, what the other classes hold is little and urgent: they have SHARES.
    """
    return {
        kind: _chance_each([finding for finding in found if finding.kind == kind], params, share)
        for kind, share in SHARES.items()
    }


def _chance_each(found: Sequence[Finding], params: DriftParams, share: float) -> float:
    """The same for one class. What matters only far beyond what chance does, as nearly all does on many rows, takes of
    the chance only what it uses, and leaves the rest to the others.
    """
    used = sorted(_chance_of_mattering(finding, params) for finding in found if finding.value is not None)
    left = allowed = params.false_alarms_per_night * share
    for i, chance in enumerate(used):
        if chance * (len(used) - i) > left:
            return left / (len(used) - i)
        left -= chance
    return allowed


def _chance_of_mattering(finding: Finding, params: DriftParams) -> float:
    power = POWER[finding.statistic]
    bar = _bars(finding, params)[0] / finding.scale ** (1 / power)
    return chance_beyond(bar, finding.undrifted, power, finding.freedom, finding.means) * finding.sides / 2


def _bars(finding: Finding, params: DriftParams) -> tuple[float, float]:
    """What is large enough for a warning, and for an alarm: of ks, js and the like the square is what adds up.

    Of a share there is also a LEAST difference: from nearly none to twice as much is far, and may be a basket.
    """
    effect = params.effect[finding.statistic]
    if finding.base is not None:
        effect = max(effect, shift(finding.base, min(1.0, finding.base + LEAST[finding.kind])))
    return effect * params.warn_share ** (1 / POWER[finding.statistic]), effect


def _judged(finding: Finding, params: DriftParams, chance: float) -> Measure:
    name, statistic, (before, now) = finding.column_name, finding.statistic, finding.n
    if finding.value is None:
        return Measure(name, statistic, None, None, None, before, now, "too_few_rows", finding.kind)
    power = POWER[statistic]
    floor = noise_floor(finding.undrifted, 2 * chance / finding.sides, power, finding.freedom, finding.means)
    floor *= finding.scale ** (1 / power)
    warn, alarm = (max(bar, floor) for bar in _bars(finding, params))
    verdict: Verdict = "ok"
    if finding.size > warn:
        verdict = _loudest(finding) if finding.size > alarm else "warn"
    threshold, noise = _shown(finding, alarm), _shown(finding, floor)
    return Measure(name, statistic, finding.value, threshold, noise, before, now, verdict, finding.kind)


def _loudest(finding: Finding) -> Verdict:
    """Much more traffic than usual is no fault, and worth a word only if it lasts."""
    if finding.kind == "volume":
        return "broken" if (finding.value or 0.0) < 0 else "warn"
    return "broken" if finding.kind == "contract" else "alarm"


def _shown(finding: Finding, bar: float) -> float:
    """A bar in what the value is shown in: of a share, as a difference of shares, on the side it moved to."""
    if finding.base is None:
        return bar
    return abs(shifted(finding.base, bar if (finding.value or 0.0) >= 0 else -bar) - finding.base)


def _measure_silence(silence: Silence) -> list[Measure]:
    """The largest share of the same weekdays with live events of any day that had none, to the last; 0 where it had."""
    days = [day for day in (silence.before, *silence.earlier) if day]
    if not any(map(sum, days)):
        return []  # nothing ever came in live: data are loaded in bulk, and a day without is no news
    value = 0.0 if silence.last_day else max(sum(week > 0 for week in day) / len(day) for day in days)
    verdict: Verdict = "broken" if value > SILENT else "ok"
    n = sum(map(sum, days)), silence.last_day
    return [Measure("live_events", "silence", value, SILENT, None, *n, verdict, "contract")]


_RANK: dict[Verdict, int] = {"broken": 4, "alarm": 3, "warn": 2, "ok": 1, "too_few_rows": 0}


def _urgency(measure: Measure) -> tuple[int, float]:
    """What moved comes first, what is farthest over its threshold before the others; the rest keeps its order."""
    if measure.verdict not in MOVED:
        return 0, 0.0
    return _RANK[measure.verdict], abs(measure.value or 0.0) / (measure.threshold or 1.0)


def _side(measure: Seen) -> tuple[str, bool]:
    return measure.column_name, (measure.value or 0.0) < 0
