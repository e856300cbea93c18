"""Old events move by whole weeks to just before now."""

from datetime import UTC, datetime, timedelta

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.data.shift import cutoff, whole_weeks

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@settings(deadline=None)
@given(MOMENTS, MOMENTS)
def test_the_end_lands_in_the_week_before_now_on_its_weekday_and_hour(end: datetime, now: datetime) -> None:
    moved = end + whole_weeks(end, now)
    assert now - timedelta(days=7) < moved <= now
    assert (moved.weekday(), moved.time()) == (end.weekday(), end.time())


def test_the_last_seven_days_are_held_back() -> None:
    frame = pd.DataFrame({"occurred_at": pd.to_datetime(["2011-12-01T10:00Z", "2011-12-09T12:50Z"])})
    assert cutoff(frame) == datetime(2011, 12, 2, 12, 50, tzinfo=UTC)
