"""Why a night was judged as it was, in sentences."""

from collections.abc import Sequence

from nextpick.drift.columns import SERVED
from nextpick.drift.measure import ALARMS, Measure
from nextpick.drift.measures import MIN_WEEKS
from nextpick.params import DriftParams


def reasons(measures: Sequence[Measure], params: DriftParams) -> list[str]:
    """A sentence a column that alarms, then one a column that only moved, and one about what could not be judged."""
    alarms = [measure for measure in measures if measure.verdict in ALARMS]
    told = {measure.column_name for measure in alarms}
    moved = [measure for measure in measures if measure.verdict == "warn" and measure.column_name not in told]
    said = [_sentence([m for m in alarms if m.column_name == name]) for name in _names(alarms)]
    said += [f"{_sentence([m for m in moved if m.column_name == name])[:-1]}; no alarm yet." for name in _names(moved)]
    few = [measure.column_name for measure in measures if measure.verdict == "too_few_rows"]
    named = [name for name in few if not name.startswith(SERVED)]
    if served := len(few) - len(named):
        named.append(f"{served} columns of served answers")
    if named:
        wanted = f"{params.min_rows} rows now and in {MIN_WEEKS} reference weeks"
        said.append(f"Not judged, for want of {wanted}: {', '.join(named)}.")
    return said


def _names(measures: Sequence[Measure]) -> list[str]:
    return list(dict.fromkeys(measure.column_name for measure in measures))


def _sentence(measures: Sequence[Measure]) -> str:
    """The measures of one column in words."""
    rows = f"n = {measures[0].current_n:,} against {measures[0].reference_n:,}"
    return f"{measures[0].column_name}: {'; '.join(map(_words, measures))}; {rows}."


def _words(measure: Measure) -> str:
    value, threshold, floor = measure.value or 0.0, measure.threshold or 0.0, measure.noise_floor or 0.0
    more = "more" if value >= 0 else "fewer"
    shares = f"(alarm above {100 * threshold:.1f}, chance explains {100 * floor:.1f})"
    times = f"(alarm from {2**threshold:.2g} times or 1/{2**threshold:.2g}, chance explains {2**floor:.2g} times)"
    return {
        "silence": f"none for a day or longer, though {value:.0%} of the same weekdays before had some",
        "volume": f"{2**value:.2g} times the usual week's {times}",
        "level": f"{2**value:.2g} times the usual week's {times}",
        "missing": f"missing in {100 * value:.1f} of 100 rows more than before {shares}",
        "skew": f"{value:.1%} of answers were ranked by features that training would not compute",
        "lost": f"what {-100 * value:.1f} of 100 rows were is gone, or nearly",
        "rate": f"{100 * abs(value):.1f} of 100 {more} than before {shares}",
    }.get(
        measure.statistic,
        f"{measure.statistic} {value:.3f} (alarm above {threshold:.3f}, chance explains {floor:.3f})",
    )
