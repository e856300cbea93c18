"""A snapshot's events become interactions: those that count, whole, once each, in order of time."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from nextpick.errors import DataError
from nextpick.schema import EVENT_COLUMNS, EVENT_ID, ITEM_COLUMNS, ITEM_ID, KIND, OCCURRED_AT, USER_ID


@dataclass(frozen=True)
class Cleaned:
    """`interactions` has EVENT_COLUMNS, oldest first, ties by event id; `dropped` says reason -> events."""

    interactions: pd.DataFrame
    dropped: dict[str, int]


def clean(events: pd.DataFrame, kinds: Mapping[str, float]) -> Cleaned:
    """The events whose kind counts, without those that name no user, item or time, each event id once.

    With `dropped` the interactions add up to the events; the first reason that holds is the one counted.

    Raises: DataError where a column is missing or times have no time zone.
    """
    require_columns(events, EVENT_COLUMNS, "events")
    checks = {
        "kind does not count": ~events[KIND].isin(list(kinds)),
        "no user": ~_is_text(events[USER_ID]),
        "no item": ~_is_text(events[ITEM_ID]),
        "no time": events[OCCURRED_AT].isna(),
        "event id repeats": events[EVENT_ID].duplicated(),
    }
    left, dropped = pd.Series(True, index=events.index), {}
    for reason, fault in checks.items():
        if count := int((left & fault).sum()):
            dropped[reason] = count
        left &= ~fault
    kept = events.loc[left, list(EVENT_COLUMNS)].sort_values([OCCURRED_AT, EVENT_ID], ignore_index=True)
    return Cleaned(kept, dropped)


def require_columns(frame: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    """Raises: DataError where `frame` lacks one of `columns`, or has times without a time zone."""
    if absent := [column for column in columns if column not in frame]:
        raise DataError(f"The {what} of the snapshot lack {', '.join(absent)}; they have {', '.join(frame)}.")
    for column in columns:
        if pd.api.types.is_datetime64_dtype(frame[column].dtype):
            raise DataError(f"The {what} of the snapshot have {column} without a time zone. Write it in UTC.")


def require_catalogue(items: pd.DataFrame) -> None:
    """Raises: DataError where the catalogue lacks a column or has an item twice."""
    require_columns(items, ITEM_COLUMNS, "items")
    if (twice := items[ITEM_ID].duplicated()).any():
        raise DataError(f"The items of the snapshot have {items.loc[twice, ITEM_ID].iloc[0]!r} more than once.")


def _is_text(ids: pd.Series) -> pd.Series:
    return ids.notna() & (ids != "")
