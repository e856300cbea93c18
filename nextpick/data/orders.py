"""Orders: what one customer bought, or gave back, at one go; the unit in which the sample is played again."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import pandas as pd

from nextpick.schema import EVENT_ID, OCCURRED_AT


@dataclass(frozen=True)
class Line:
    """One event of an order; `event_id` is the sample's own."""

    event_id: str
    item_id: str
    value: float


@dataclass(frozen=True)
class Order:
    """An invoice or a credit note; `at` is its first line's time, `kind` that of all its lines."""

    number: str
    user_id: str
    kind: str
    at: datetime
    lines: tuple[Line, ...]


def orders(events: pd.DataFrame) -> tuple[Order, ...]:
    """The orders of the sample's events (EVENT_COLUMNS), oldest first.

    An event's id begins with the invoice's number; the few invoices whose lines are minutes apart are one order.
    """
    ordered = events.assign(number=events[EVENT_ID].str.split("-").str[0])
    ordered = ordered.assign(begun=ordered.groupby("number")[OCCURRED_AT].transform("min"))
    ordered = ordered.sort_values(["begun", "number", OCCURRED_AT], kind="stable")
    return tuple(_order(number, list(rows)) for number, rows in groupby(ordered.itertuples(), attrgetter("number")))


def _order(number: str, rows: list[Any]) -> Order:
    first = rows[0]
    lines = tuple(Line(row.event_id, row.item_id, row.value) for row in rows)
    return Order(number, first.user_id, first.kind, first.begun.to_pydatetime(), lines)
