"""Bring old events near to now by whole weeks, so that every weekday and hour stays what it was."""

from datetime import datetime, timedelta

import pandas as pd

from nextpick.schema import OCCURRED_AT

HELD_BACK = timedelta(days=7)  # of the sample, for `nextpick replay`
WEEK = timedelta(days=7)


def cutoff(events: pd.DataFrame) -> datetime:
    """Where the held-back end of `events` begins: HELD_BACK before the newest. Events of this very moment are held
    back too."""
    return events[OCCURRED_AT].max().to_pydatetime() - HELD_BACK


def whole_weeks(end: datetime, now: datetime) -> timedelta:
    """The most whole weeks by which what ends before `end` can move and still lie before `now`; may be negative."""
    return (now - end) // WEEK * WEEK
