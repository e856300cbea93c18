"""What is compared: columns of events and of active users, cut into the windows, and how much there was of them.

Each row of a column means the same in every window: a popularity is counted over the 28 days before the row's own day,
never over the window it lies in, so that the reference does not see itself and the current window its past.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.drift.windows import Window, Windows, windows
from nextpick.params import DriftParams, DriftStatistic
from nextpick.schema import CATEGORIES, ITEM_ID, KIND, OCCURRED_AT, PRICE, US_PER_DAY, USER_ID, VALUE

POPULARITY_DAYS = 28
RECEIVED_AT = "received_at"  # of an event, when Postgres had it; a frame need not have this column
BULK_DAYS = 2  # an event that came in so much later was loaded, and its lateness says nothing
SERVED = "served_"  # begins the names of columns of answers
Kind = Literal["number", "category"]
Class = Literal["contract", "volume", "distribution", "outcome"]
Direction = Literal["up", "down", "both"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Column:
    """One column. A number's arrays are float64, NaN where missing; a category's hold text, None where missing."""

    name: str
    kind: Kind
    current: np.ndarray
    weeks: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Rate:
    """A share: (successes, trials) of the current window and of each reference week; `bad` is where harm lies.

    `other_nights`: the weeks of Windows.other_nights, if known: more nights tell better how far one is from another.
    """

    name: str
    kind: Class
    current: tuple[int, int]
    weeks: tuple[tuple[int, int], ...]
    bad: Direction = "both"
    statistic: DriftStatistic = "rate"
    other_nights: tuple[tuple[tuple[int, int], ...], ...] = ()


@dataclass(frozen=True)
class Number:
    """One number a window, above 0: an amount, a mean. None where it is not known, as before the first release.

    `other_nights` as of a Rate. `n`: where it is no count, of how many rows all weeks and the current window are.
    """

    name: str
    kind: Class
    current: float | None
    weeks: tuple[float | None, ...]
    bad: Direction = "both"
    statistic: DriftStatistic = "level"
    other_nights: tuple[tuple[float | None, ...], ...] = ()
    n: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Traffic:
    """Events and what is known about them.

    `events`: EVENT_COLUMNS, oldest first, from POPULARITY_DAYS before the oldest window to the end of the current one;
    RECEIVED_AT too where lateness is to be watched.
    `kinds`: the kinds that count as interactions. `catalogue`: ITEM_COLUMNS. `user_first`, `item_first`: when each id
    had its first event ever, int64 microseconds by id.
    """

    events: pd.DataFrame
    kinds: frozenset[str]
    catalogue: pd.DataFrame
    user_first: pd.Series
    item_first: pd.Series

    @cached_property
    def at(self) -> np.ndarray:
        """When each event happened, int64 microseconds."""
        return microseconds(self.events[OCCURRED_AT])

    @cached_property
    def counted(self) -> np.ndarray:
        """Whether each event is an interaction."""
        return self.events[KIND].isin(self.kinds).to_numpy(np.bool_)

    @cached_property
    def users(self) -> "Ids":
        """The users of the events."""
        return _ids(self.events[USER_ID], self.user_first)

    @cached_property
    def items(self) -> "Ids":
        """The items of the events."""
        return _ids(self.events[ITEM_ID], self.item_first)

    @cached_property
    def in_catalogue(self) -> np.ndarray:
        """By number of the item, its place in the catalogue, -1 where it has none."""
        return pd.Index(self.catalogue[ITEM_ID]).get_indexer(self.items.names)


@dataclass(frozen=True)
class Ids:
    """Whose the events are: a number for each event, and by number the name, and when it was first seen."""

    numbers: np.ndarray
    names: pd.Index
    first: np.ndarray


def fitting(traffic: Traffic, end: datetime, params: DriftParams, trained_until: datetime | None = None) -> Windows:
    """The windows of as few days as usually bring enough_rows interactions, window_days at most.

    Beyond that more days do not make a shift clearer, whose size is what counts; they only hide a new one among old
    days. `trained_until` as in `windows`.
    """
    chosen = [windows(end, days + 1, params.reference_weeks, trained_until) for days in range(params.window_days)]
    enough = (
        one for one in chosen if np.median([len(part) for part in places(traffic, one.weeks)]) >= params.enough_rows
    )
    return next(enough, chosen[-1])


def event_columns(traffic: Traffic, windows: Windows) -> list[Column]:
    """The columns of what users did; how much of it there was, and of what is new, the functions below tell."""
    parts = places(traffic, (windows.current, *windows.weeks))
    there, ends = np.concatenate(parts), np.cumsum([len(part) for part in parts])[:-1]
    rows, catalogue = traffic.events.iloc[there], traffic.catalogue
    known = traffic.in_catalogue[traffic.items.numbers[there]]
    everything = [traffic.events[KIND].iloc[part] for part in _slices(traffic, (windows.current, *windows.weeks))]
    users = [np.unique(traffic.users.numbers[part], return_counts=True)[1] for part in parts]
    hours = traffic.at[there] // (US_PER_DAY // 24) % 24
    numbers: dict[str, list[np.ndarray]] = {
        "hour": np.split(hours.astype(np.float64), ends),
        "item_popularity_log": np.split(np.log1p(_popularity(traffic, there, windows.current[1])), ends),
        "price_log": np.split(np.log1p(_of_items(catalogue[PRICE].to_numpy(np.float64), known, np.nan)), ends),
        "value_log": np.split(_signed_log(rows[VALUE].to_numpy(np.float64)), ends),
        "user_activity_log": [np.log(counts).astype(np.float64) for counts in users],
    }
    categories: dict[str, list[np.ndarray]] = {"kind": [kinds.to_numpy("object") for kinds in everything]}
    if RECEIVED_AT in rows:
        numbers["lateness_log"] = np.split(_lateness(rows), ends)
    finest = [names[-1] if len(names) else None for names in catalogue[CATEGORIES]] if CATEGORIES in catalogue else []
    if any(finest):
        categories["category"] = np.split(_of_items(np.array(finest, "object"), known, None), ends)
    return [*_columns(numbers, "number"), *_columns(categories, "category")]


def places(traffic: Traffic, spans: Sequence[Window]) -> list[np.ndarray]:
    """Where among the events the interactions of each window are, int64 (n,)."""
    return [part.start + np.flatnonzero(traffic.counted[part]) for part in _slices(traffic, spans)]


def volumes(traffic: Traffic, windows: Windows) -> Number:
    """How many interactions there were."""
    spans = (windows.current, *windows.weeks), *windows.other_nights
    return amount("interactions", *([len(part) for part in places(traffic, some)] for some in spans))


def amount(name: str, counts: Sequence[int], *other_nights: Sequence[int]) -> Number:
    """A count as a number: of the current window and of each reference week, then of other nights' weeks."""
    now, *weeks = counts
    return Number(name, "volume", now, tuple(weeks), statistic="volume", other_nights=tuple(map(tuple, other_nights)))


def active_users(traffic: Traffic, spans: Sequence[Window]) -> list[int]:
    """Users with an interaction in each window."""
    return [len(np.unique(traffic.users.numbers[part])) for part in places(traffic, spans)]


def new_users(traffic: Traffic, spans: Sequence[Window]) -> list[tuple[int, int]]:
    """Of the users active in each window those whose first interaction lies in it, and all."""
    active = [np.unique(traffic.users.numbers[part]) for part in places(traffic, spans)]
    return [_new(traffic.users.first[users], span) for users, span in zip(active, spans, strict=True)]


def new_items(traffic: Traffic, spans: Sequence[Window]) -> list[tuple[int, int]]:
    """Of the interactions of each window those with an item whose first one lies in it, and all."""
    taken = [traffic.items.numbers[part] for part in places(traffic, spans)]
    return [_new(traffic.items.first[items], span) for items, span in zip(taken, spans, strict=True)]


def unknown_items(traffic: Traffic, spans: Sequence[Window]) -> list[tuple[int, int]]:
    """Of the interactions of each window those with an item that the catalogue does not know, and all."""
    taken = [traffic.in_catalogue[traffic.items.numbers[part]] for part in places(traffic, spans)]
    return [(int((items < 0).sum()), len(items)) for items in taken]


def _new(first: np.ndarray, span: Window) -> tuple[int, int]:
    return int((first >= _us(span[0])).sum()), len(first)


def _ids(column: pd.Series, first: pd.Series) -> Ids:
    numbers, names = pd.factorize(column)
    return Ids(numbers, pd.Index(names), first.reindex(names).to_numpy())


def _slices(traffic: Traffic, spans: Sequence[Window]) -> list[slice]:
    """Where the events of each window lie."""
    edges = [np.searchsorted(traffic.at, [_us(start), _us(end)]) for start, end in spans]
    return [slice(int(start), int(stop)) for start, stop in edges]


def _columns(parts: dict[str, list[np.ndarray]], kind: Kind) -> list[Column]:
    return [Column(name, kind, now, tuple(before)) for name, (now, *before) in parts.items()]


def _of_items(values: np.ndarray, places: np.ndarray, none: float | None) -> np.ndarray:
    return np.append(values, np.array([none], values.dtype))[places]


def _lateness(rows: pd.DataFrame) -> np.ndarray:
    """ln(1 + seconds from what happened until Postgres had it); NaN for what was loaded later."""
    seconds = (microseconds(rows[RECEIVED_AT]) - microseconds(rows[OCCURRED_AT])) / 1e6
    return np.where(seconds < BULK_DAYS * 86_400, np.log1p(np.maximum(seconds, 0)), np.nan)


def _popularity(traffic: Traffic, there: np.ndarray, end: datetime) -> np.ndarray:
    """Of the events at `there`: the item's interactions per 10,000 of all in the POPULARITY_DAYS before the event's
    day; NaN where there are none. Days count back from `end`.
    """
    back = (_us(end) - 1 - traffic.at) // US_PER_DAY
    day = back.max(initial=0) - back
    days = int(day.max(initial=0)) + 1
    items = traffic.items.numbers.astype(np.int64)
    known, all_days = np.sort((items * days + day)[traffic.counted]), np.sort(day[traffic.counted])
    item, until = items[there] * days, day[there]
    since = np.maximum(until - POPULARITY_DAYS, 0)
    mine = np.searchsorted(known, item + until) - np.searchsorted(known, item + since)
    total = np.searchsorted(all_days, until) - np.searchsorted(all_days, since)
    return np.where(total > 0, 10_000 * mine / np.maximum(total, 1), np.nan)


def _signed_log(values: np.ndarray) -> np.ndarray:
    return np.sign(values) * np.log1p(np.abs(values))


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
