"""A year of real trade: its weeks differ and its seasons come, and no night of it is worth waking somebody for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks import drift_year
from nextpick.drift.columns import Traffic, fitting
from nextpick.drift.observed import Observed, observe
from nextpick.drift.verdict import Judgement, Silence, judge
from nextpick.params import DriftParams

PARAMS = DriftParams()
NIGHTS = [datetime(2011, 2, 15, tzinfo=UTC) + timedelta(days=17 * i) for i in range(18)]  # every weekday is among them


@pytest.fixture(scope="module")
def year() -> Traffic:
    return drift_year.year()


def look(year: Traffic, night: datetime) -> Observed:
    seen = year.events["occurred_at"].between(night - timedelta(days=91), night, inclusive="left")
    there = replace(year, events=year.events[seen])
    return observe(there, fitting(there, night, PARAMS))


def verdict(seen: Observed, **planted: np.ndarray) -> Judgement:
    columns = [replace(column, current=planted.get(column.name, column.current)) for column in seen.columns]
    return judge(columns, seen.volume, Silence(0, ()), PARAMS, seen.rates, seen.numbers)


def test_no_ordinary_night_of_the_sample_alarms(year: Traffic) -> None:
    found = {night: verdict(look(year, night)) for night in NIGHTS}
    assert {night.date(): judgement.reasons for night, judgement in found.items() if judgement.alarms} == {}


@pytest.mark.parametrize("night", NIGHTS[2::6])
def test_a_popularity_that_doubles_is_found_the_same_night(year: Traffic, night: datetime) -> None:
    seen = look(year, night)
    now = {column.name: column.current for column in seen.columns}["item_popularity_log"]
    found = verdict(seen, item_popularity_log=np.log1p(2 * np.expm1(now)))
    assert {measure.column_name for measure in found.alarms} == {"item_popularity_log"}
