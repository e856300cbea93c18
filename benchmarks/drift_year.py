"""On how many nights of a year of real trade does drift alarm, and of what?

    python -m benchmarks.drift_year

Every night of the sample that has weeks enough before it goes through the functions that the DAG drift_report calls, as
far as they look at events. Nobody planted anything: what alarms is a season, a holiday, or false. Last line, JSON:
{"nights": .., "alarmed": {"2011-04-27": ["interactions"], ..}}.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import track

from nextpick.data.online_retail import PURCHASE, convert
from nextpick.drift.columns import Traffic, fitting
from nextpick.drift.observed import observe
from nextpick.drift.verdict import Judgement, Silence, judge
from nextpick.params import DriftParams

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample" / "online_retail.parquet"
PARAMS = DriftParams()
NOT_LIVE = Silence(0, ())  # it was loaded: whether a day is silent nobody can know
FIRST, LAST = datetime(2011, 2, 15, tzinfo=UTC), datetime(2011, 12, 9, tzinfo=UTC)
DAY = timedelta(days=1)
HISTORY = 91 * DAY  # the reference weeks, and what is popular before them


def year() -> Traffic:
    """All that happened in the sample."""
    converted = convert(pd.read_parquet(SAMPLE))
    events = converted.events.sort_values("occurred_at", ignore_index=True)
    bought = events[events["kind"] == PURCHASE]
    first = [bought.groupby(by)["occurred_at"].min().astype("int64") for by in ("user_id", "item_id")]
    return Traffic(events, frozenset({PURCHASE}), converted.items, *first)


def judged(traffic: Traffic, night: datetime) -> Judgement:
    """The judgement of one night, from what happened before it."""
    known = traffic.events["occurred_at"].between(night - HISTORY, night, inclusive="left")
    there = replace(traffic, events=traffic.events[known])
    seen = observe(there, fitting(there, night, PARAMS))
    return judge(seen.columns, seen.volume, NOT_LIVE, PARAMS, seen.rates, seen.numbers)


def main() -> None:
    """Judge every night and print those that alarm."""
    traffic = year()
    nights = [FIRST + DAY * i for i in range((LAST - FIRST).days + 1)]
    alarmed = {}
    for night in track(nights, description="nights", console=Console(stderr=True)):
        if alarms := judged(traffic, night).alarms:
            alarmed[f"{night:%Y-%m-%d}"] = sorted({alarm.column_name for alarm in alarms})
    print(json.dumps({"nights": len(nights), "alarmed": alarmed}))


if __name__ == "__main__":
    main()
