"""What a drift report is made from, read from Postgres: columns, and how many rows there were."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
import psycopg

from nextpick.data.microseconds import microseconds
from nextpick.drift.columns import BULK_DAYS, POPULARITY_DAYS, RECEIVED_AT, Column, Number, Rate, Traffic, fitting
from nextpick.drift.measure import Measure
from nextpick.drift.observed import observe
from nextpick.drift.served import served_columns
from nextpick.drift.verdict import Silence
from nextpick.drift.windows import DAY, WEEK, Windows, windows
from nextpick.params import DriftParams, Params
from nextpick.schema import KIND, OCCURRED_AT
from nextpick.settings import Settings
from nextpick.stages import drift_answers
from nextpick.store import drift, events, items

REMEMBERED_DAYS = 92  # that long a feed is missed; older live events are looked for in vain
ANSWERS = 2000  # a window, drawn at random; of some ten items each


@dataclass(frozen=True)
class Seen:
    """What Postgres knew."""

    release_id: int | None
    windows: Windows
    columns: list[Column]
    volume: Number
    silence: Silence
    rates: tuple[Rate, ...]
    numbers: tuple[Number, ...]
    skew: tuple[Measure, ...]
    taken: dict[int, tuple[int, int]]


def look(
    conn: psycopg.Connection, settings: Settings, everything: Params, params: DriftParams, as_of: datetime
) -> Seen:
    """Columns of the last days that had events: whether the newest one is too old is another question, `silence`.

    `params` stand in for the drift section of `everything`.
    """
    kinds = frozenset(everything.data.kinds)
    newest = drift.newest_event(conn, as_of)
    end = as_of if newest is None else min(as_of, newest + timedelta(microseconds=1))
    release_id, trained_until = drift.release_at(conn, as_of) or (None, None)
    since = windows(end, params.window_days, params.reference_weeks, trained_until).weeks[-1][0]
    traffic = _traffic(conn, kinds, since, end)
    chosen = fitting(traffic, end, params, trained_until)
    answers = [
        answer for window in (chosen.current, *chosen.weeks) for answer in drift.answers(conn, *window, limit=ANSWERS)
    ]
    silence = _silence(conn, as_of, params.reference_weeks)
    observed = observe(traffic, chosen)
    columns = observed.columns + served_columns(answers, drift.feature_names(conn), chosen)
    k = everything.scenarios["default"].top_k
    taken, ndcg, releases = drift_answers.became(conn, sorted(kinds), chosen, k, params.min_rows)
    shown = drift_answers.showed(conn, sorted(kinds), chosen, len(traffic.catalogue), params.min_rows)
    skew = drift_answers.skewed(conn, settings, release_id, chosen.current)
    rates, numbers = (*observed.rates, *taken), (*observed.numbers, *ndcg, *shown)
    return Seen(release_id, chosen, columns, observed.volume, silence, rates, numbers, skew, releases)


def _traffic(conn: psycopg.Connection, kinds: frozenset[str], since: datetime, end: datetime) -> Traffic:
    known = since - timedelta(days=POPULARITY_DAYS)
    happened = events.read_arrived(conn, since=known, before=end)
    counted = happened[happened[KIND].isin(kinds)]
    if not (happened[RECEIVED_AT] - happened[OCCURRED_AT] < timedelta(days=BULK_DAYS)).any():
        happened = happened.drop(columns=RECEIVED_AT)  # all of it was loaded: how late it was says nothing
    return Traffic(
        events=happened,
        kinds=kinds,
        catalogue=items.read(conn),
        user_first=_first(conn, "user", counted, kinds, known),
        item_first=_first(conn, "item", counted, kinds, known),
    )


def _first(
    conn: psycopg.Connection, what: str, counted: pd.DataFrame, kinds: frozenset[str], known: datetime
) -> pd.Series:
    """When each user or item of the interactions since `known` had its first ever, in microseconds; 0 where that was
    before. Only of those who could be new in any window it is asked what was before: all others are old."""
    first = counted.groupby(f"{what}_id")[OCCURRED_AT].min()
    late = first.index[first >= known + timedelta(days=POPULARITY_DAYS) - WEEK]  # other nights begin a week sooner
    found = pd.Series(microseconds(first), first.index)
    found[drift.older(conn, what, late, sorted(kinds), known)] = 0
    return found


def _silence(conn: psycopg.Connection, as_of: datetime, weeks: int) -> Silence:
    """Weeks are counted back from the newest live event: an outage is never what is usual, however long it lasts."""
    newest = drift.newest_live_event(conn, as_of - DAY * REMEMBERED_DAYS, as_of)
    silent = 0 if newest is None else min(7, (as_of - newest) // DAY)

    def usual(day: int) -> tuple[int, ...]:
        end = as_of - DAY * day
        back = 1 if newest is None else max(1, -(-(end - newest) // WEEK))
        spans = ((end - DAY - WEEK * week, end - WEEK * week) for week in range(back, back + weeks))
        return tuple(drift.live_events(conn, *span) for span in spans)

    return Silence(drift.live_events(conn, as_of - DAY, as_of), usual(0), tuple(usual(day) for day in range(1, silent)))
