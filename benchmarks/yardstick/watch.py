"""A shop at night: its trade as the events and answers that the drift report reads, through the functions it calls."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from benchmarks.yardstick.trade import (
    DAY,
    LONG_AGO,
    NAMES,
    NOBODY,
    US_PER_DAY,
    Answer,
    Lines,
    Served,
    Trade,
    answers,
    frame,
    moment,
    trade,
)
from nextpick.drift.columns import POPULARITY_DAYS, Rate, Traffic, fitting
from nextpick.drift.observed import observe
from nextpick.drift.served import served_columns
from nextpick.drift.verdict import Judgement, Silence, judge
from nextpick.drift.windows import Window
from nextpick.params import DriftParams

Drifted = dict[int, tuple[Lines, Served]]  # days of a trade that are other than they were


@dataclass
class Shop:
    """A trade with its parameters, and what of it has been made into events."""

    trade: Trade
    params: DriftParams
    first_night: int

    @cached_property
    def names(self) -> pd.api.extensions.ExtensionArray:
        return pd.array([f"item{i}" for i in range(len(self.trade.items.born))] + ["ghost"], dtype="str")

    @cached_property
    def catalogue(self) -> pd.DataFrame:
        items = self.trade.items
        categories = [[f"category{number}"] for number in items.category]
        return pd.DataFrame({"item_id": self.names[:-1], "price": items.price, "categories": categories})

    @cached_property
    def days(self) -> list[pd.DataFrame]:
        return [frame(lines, self.names) for lines in self.trade.lines]

    @cached_property
    def events(self) -> pd.DataFrame:
        return pd.concat(self.days, ignore_index=True)

    @cached_property
    def first_seen(self) -> pd.Series:
        """By number of the user, microseconds."""
        start = moment(0).timestamp() * 1e6
        first = pd.concat([pd.Series(start + lines.at, index=lines.user) for lines in self.trade.lines])
        first = first[~first.index.duplicated()]
        return first.mask(first.index < self.trade.users, LONG_AGO)

    @cached_property
    def begins(self) -> np.ndarray:
        """Where each day's events begin, and one more."""
        return np.cumsum([0] + [len(day) for day in self.days])

    @cached_property
    def answers(self) -> list[list[Answer]]:
        return [answers(served) for served in self.trade.served]


def shop(size: tuple[int, int], nights: int, seed: int, params: DriftParams) -> Shop:
    """A shop of so many lines and answers a day, with a past long enough for its first night."""
    first = POPULARITY_DAYS + params.window_days + 7 * params.reference_weeks
    return Shop(trade(first + nights, *size, seed), params, first)


def night(shop: Shop, day: int, drifted: Drifted) -> Judgement:
    """The judgement of the night after a day, some days replaced by what drifted."""
    last = max(d for d in range(day + 1) if len(shop.days[d]))
    newest = drifted[last][0] if last in drifted else shop.trade.lines[last]
    end = moment(int(newest.at[-1]) + 1)
    traffic = _traffic(shop, last, drifted)
    chosen = fitting(traffic, end, shop.params)
    seen = observe(traffic, chosen)
    spans = (chosen.current, *chosen.weeks)
    served = [answer for span in spans for answer in _answered(shop, span, drifted)]
    columns = [*seen.columns, *served_columns(served, {1: NAMES}, chosen)]
    live = [_live(shop, day - 7 * week, drifted) for week in range(shop.params.reference_weeks + 1)]
    taken = [_taken(shop, span, drifted) for span in spans]
    rates = [*seen.rates, Rate("taken", "outcome", taken[0], tuple(taken[1:]), "down")]
    return judge(columns, seen.volume, Silence(live[0], tuple(live[1:])), shop.params, rates, seen.numbers)


def _traffic(shop: Shop, last: int, drifted: Drifted) -> Traffic:
    first = max(0, last - shop.params.window_days - 7 * shop.params.reference_weeks - POPULARITY_DAYS)
    changed = [day for day in range(first, last + 1) if day in drifted]
    until = changed[0] if changed else last + 1
    kept = shop.events.iloc[shop.begins[first] : shop.begins[until]]
    parts = [frame(drifted[d][0], shop.names) if d in drifted else shop.days[d] for d in range(until, last + 1)]
    events = pd.concat([kept, *parts], ignore_index=True) if parts else kept
    return Traffic(events, frozenset({"purchase"}), shop.catalogue, _first_users(shop, drifted), _first_items(shop))


def _first_users(shop: Shop, drifted: Drifted) -> pd.Series:
    """Customers of old were there long ago; others since their first event here."""
    start = moment(0).timestamp() * 1e6
    first = pd.Series(shop.first_seen, dtype="float64")
    for day in sorted(drifted):
        lines = drifted[day][0]
        new = np.unique(lines.user[lines.user >= NOBODY])
        first = pd.concat([first, pd.Series(start + day * US_PER_DAY, index=new)])
    first = first[~first.index.duplicated()]
    return first.set_axis(pd.Index(first.index.astype(str), dtype="str"))


def _first_items(shop: Shop) -> pd.Series:
    start = moment(0).timestamp() * 1e6
    born = np.where(shop.trade.items.born < 0, LONG_AGO, start + shop.trade.items.born * US_PER_DAY)
    return pd.Series(np.append(born, LONG_AGO).astype(np.int64), index=pd.Index(shop.names))


def _days(span: Window) -> range:
    start, end = ((edge - moment(0)) // DAY for edge in (span[0], span[1] - timedelta(microseconds=1)))
    return range(max(0, start), end + 1)


def _answered(shop: Shop, span: Window, drifted: Drifted) -> list[Answer]:
    found = [answers(drifted[day][1]) if day in drifted else shop.answers[day] for day in _days(span)]
    return [answer for day in found for answer in day if span[0] <= answer.answered_at < span[1]]


def _taken(shop: Shop, span: Window, drifted: Drifted) -> tuple[int, int]:
    """Answers of the days of a window that led to a purchase, of all."""
    days = [
        drifted[day][1] if day in drifted else shop.trade.served[day] for day in _days(span)[-shop.params.window_days :]
    ]
    return sum(day.taken for day in days), sum(len(day.at) for day in days)


def _live(shop: Shop, day: int, drifted: Drifted) -> int:
    return len(drifted[day][0].at) if day in drifted else len(shop.trade.lines[day].at)
