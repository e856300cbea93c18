"""The reference is the same weekdays of earlier weeks, and none the model has not seen."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextpick.drift.windows import windows

END = datetime(2025, 11, 12, 18, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def test_whole_weeks_follow_each_other_without_a_gap() -> None:
    found = windows(END, 7, 8)
    assert found.current == (END - 7 * DAY, END)
    assert found.weeks[0] == (END - 14 * DAY, END - 7 * DAY)
    assert found.reference == (END - 63 * DAY, END - 7 * DAY)


@given(st.integers(1, 7), st.integers(1, 60))
def test_each_week_has_the_weekdays_and_hours_of_the_current_days(days: int, weeks: int) -> None:
    found = windows(END, days, weeks)
    assert len(found.weeks) == weeks
    for start, end in found.weeks:
        assert (found.current[0] - start) % (7 * DAY) == timedelta(0)
        assert end - start == days * DAY
        assert end <= found.current[0]


@given(st.integers(0, 200), st.integers(1, 7))
def test_the_reference_ends_where_the_models_training_data_end(hours_ago: int, days: int) -> None:
    trained_until = END - timedelta(hours=hours_ago)
    newest = windows(END, days, 4, trained_until).weeks[0]
    limit = min(trained_until, END - days * DAY)
    assert limit - 7 * DAY < newest[1] <= limit


@pytest.mark.parametrize("later", [timedelta(0), DAY])
def test_a_model_trained_last_night_changes_nothing(later: timedelta) -> None:
    assert windows(END, 7, 8, END + later) == windows(END, 7, 8)


@given(st.integers(1, 7), st.integers(4, 12))
def test_other_nights_are_as_long_and_share_no_day(days: int, weeks: int) -> None:
    found = windows(END, days, weeks)
    assert len(found.other_nights) == 7 // days - 1
    spans = sorted(span for night in (found.weeks, *found.other_nights) for span in night)
    assert all(end - start == days * DAY for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
