"""What is compared: columns of events and of active users, cut into the windows.

Each row of a column means the same in every window: a popularity is counted over the 28 days before the row's own day,
never over the window it lies in, so that the reference does not see itself and the current window its past.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.drift.windows import Window, Windows
from nextpick.schema import ITEM_ID, KIND, OCCURRED_AT, PRICE, US_PER_DAY, USER_ID, VALUE

POPULARITY_DAYS = 28
SERVED = "served_"  # begins the names of columns of answers
Kind = Literal["number", "category"]
Cut = Callable[[Window], np.ndarray]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Column:
    """One column. A number's arrays are float64, NaN where missing; a category's hold text, None where missing."""

    name: str
    kind: Kind
    current: np.ndarray
    weeks: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Traffic:
    """Events and what is known about them.

    `events`: EVENT_COLUMNS, oldest first, from POPULARITY_DAYS before the oldest window to the end of the current one.
    `kinds`: the kinds that count as interactions. `catalogue`: ITEM_COLUMNS. `user_first`, `item_first`: when each id
    had its first event ever, int64 microseconds by id.
    """

    events: pd.DataFrame
    kinds: frozenset[str]
    catalogue: pd.DataFrame
    user_first: pd.Series
    item_first: pd.Series


def event_columns(traffic: Traffic, windows: Windows) -> list[Column]:
    """The columns of what users did; `volume` tells how much of it there was."""
    rows = _interactions(traffic, windows)
    at, kinds_at = microseconds(rows[OCCURRED_AT]), microseconds(traffic.events[OCCURRED_AT])
    kinds = traffic.events[KIND].to_numpy(dtype="object")
    users = rows[USER_ID].to_numpy(dtype="object")

    def cut(values: np.ndarray, moments: np.ndarray = at) -> Cut:
        return lambda window: values[_rows(moments, window)]

    def activity(window: Window) -> np.ndarray:
        return np.log(np.unique(users[_rows(at, window)], return_counts=True)[1]).astype(np.float64)

    def new_users(window: Window) -> np.ndarray:
        return _newness(traffic.user_first, pd.unique(users[_rows(at, window)]), window)

    def new_items(window: Window) -> np.ndarray:
        return _newness(traffic.item_first, rows[ITEM_ID].to_numpy()[_rows(at, window)], window)

    hours = (at // (US_PER_DAY // 24) % 24).astype(np.float64)
    numbers: list[tuple[str, Cut]] = [
        ("hour", cut(hours)),
        ("item_popularity_log", cut(np.log1p(rows["popularity"].to_numpy(np.float64)))),
        ("price_log", cut(np.log1p(rows[PRICE].to_numpy(np.float64)))),
        ("value_log", cut(_signed_log(rows[VALUE].to_numpy(np.float64)))),
        ("user_activity_log", activity),
    ]
    categories: list[tuple[str, Cut]] = [
        ("kind", cut(kinds, kinds_at)),
        ("new_item", new_items),
        ("new_user", new_users),
    ]
    return [
        *(_column(name, "number", values, windows) for name, values in numbers),
        *(_column(name, "category", values, windows) for name, values in categories),
    ]


def volumes(traffic: Traffic, windows: Windows) -> tuple[int, list[int]]:
    """Interactions in the current window, and in each reference week."""
    at = microseconds(traffic.events.loc[traffic.events[KIND].isin(traffic.kinds), OCCURRED_AT])
    counts = [rows.stop - rows.start for rows in (_rows(at, window) for window in (windows.current, *windows.weeks))]
    return counts[0], counts[1:]


def _column(name: str, kind: Kind, values: Cut, windows: Windows) -> Column:
    return Column(name, kind, values(windows.current), tuple(values(week) for week in windows.weeks))


def _interactions(traffic: Traffic, windows: Windows) -> pd.DataFrame:
    """Events of the kinds that count, with the item's price and popularity."""
    rows = traffic.events[traffic.events[KIND].isin(traffic.kinds)]
    prices = traffic.catalogue.set_index(ITEM_ID)[PRICE]
    return rows.assign(
        **{PRICE: rows[ITEM_ID].map(prices), "popularity": _popularity(rows, windows.current[1])}
    ).reset_index(drop=True)


def _popularity(rows: pd.DataFrame, end: datetime) -> np.ndarray:
    """The item's interactions per 10,000 of all in the POPULARITY_DAYS before the row's day; NaN where there are none.

    Days count back from `end`.
    """
    back = (_us(end) - 1 - microseconds(rows[OCCURRED_AT])) // US_PER_DAY
    day = back.max(initial=0) - back
    days = int(day.max(initial=0)) + 1
    items = pd.factorize(rows[ITEM_ID])[0].astype(np.int64)
    known, all_days = np.sort(items * days + day), np.sort(day)
    since = np.maximum(day - POPULARITY_DAYS, 0)
    mine = np.searchsorted(known, items * days + day) - np.searchsorted(known, items * days + since)
    total = np.searchsorted(all_days, day) - np.searchsorted(all_days, since)
    return np.where(total > 0, 10_000 * mine / np.maximum(total, 1), np.nan)


def _newness(first: pd.Series, ids: np.ndarray, window: Window) -> np.ndarray:
    """For each id whether its first event lies in the window."""
    return np.where(first.reindex(ids).to_numpy() >= _us(window[0]), "new", "known").astype("object")


def _signed_log(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values))


def _rows(at: np.ndarray, window: Window) -> slice:
    start, stop = np.searchsorted(at, [_us(window[0]), _us(window[1])])
    return slice(int(start), int(stop))


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
