"""A shop at night: its reports, two of each, by the functions that the DAG drift_report calls."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks.yardstick.ledger import Books, Drifted, Ledger, opened
from benchmarks.yardstick.trade import BEGINNING, trade
from nextpick.drift.columns import POPULARITY_DAYS
from nextpick.drift.nights import dated
from nextpick.drift.verdict import Judgement, judge
from nextpick.drift.windows import DAY, Windows
from nextpick.params import DriftParams, load_params
from nextpick.stages import drift_report, drift_seen
from nextpick.store import drift

HOURS = (3, 5)  # of the reports on a night: after the release, and by the clock
EVERYTHING = load_params(Path(__file__).resolve().parents[2] / "params.yaml")
NOWHERE: Any = None  # a connection, and settings: a ledger asks for neither


@dataclass
class Shop:
    """A trade on the books, how it is judged, and the first day that has weeks enough before it."""

    books: Books
    params: DriftParams
    first_night: int

    @cached_property
    def open_days(self) -> list[bool]:
        """Whether each day has events."""
        return [bool(len(lines.at)) for lines in self.books.trade.lines]


def shop(size: tuple[int, int], nights: int, seed: int, params: DriftParams) -> Shop:
    """A shop of so many lines and answers a day, long enough for its first night."""
    first = POPULARITY_DAYS + 2 * params.window_days + 7 * params.reference_weeks
    return Shop(Books(trade(first + nights, *size, seed)), params, first)


def night(shop: Shop, day: int, drifted: Drifted, before: Sequence[drift.Report]) -> list[drift.Report]:
    """The reports on a day, newest first, some days replaced by what drifted, among the reports before, newest first.

    The later one looks at what the earlier one did unless events came in between.
    """
    found: list[drift.Report] = []
    known: tuple[int, Windows, Judgement] | None = None
    for hour in HOURS:
        as_of = BEGINNING + DAY * (day + 1) + timedelta(hours=hour)
        ledger = Ledger(shop.books, as_of, drifted, [*found, *before])
        there = len(ledger.arrived.get(day, shop.books.trade.lines[day]).at)
        with opened(ledger):
            if known is None or known[0] != there:
                seen = drift_seen.look(NOWHERE, NOWHERE, EVERYTHING, shop.params, as_of)
                judged = judge(
                    seen.columns, seen.volume, seen.silence, shop.params, seen.rates, seen.numbers, seen.skew
                )
                known = there, seen.windows, judged
            found.insert(0, _report(as_of, *known[1:]))
    return found


def _report(as_of: datetime, windows: Windows, judged: Judgement) -> drift.Report:
    """What would be stored, after the rules of which earlier nights count."""
    before = drift_report._before(NOWHERE, as_of)
    own = drift_report.of_their_own(before, windows.current[1])
    measures = dated(judged.measures, [one.metrics for one in before], [one.metrics for one in own])
    kept = (drift.Metric(report_id=0, **asdict(one.measure), nights=one.nights, alarm=one.alarm) for one in measures)
    spans = (*windows.current, *windows.reference)
    return drift.Report(0, as_of, "", *spans, None, judged.verdict, list(judged.reasons), None, "", metrics=tuple(kept))


def alarms(reports: Sequence[drift.Report]) -> set[str]:
    """The columns that any of them alarms on."""
    return {metric.column_name for report in reports for metric in report.alarms}


def rows(reports: Sequence[drift.Report]) -> int:
    """Interactions that the newest of them looked at."""
    found: int = next(m.current_n for m in reports[0].metrics if m.column_name == "interactions")
    return found
