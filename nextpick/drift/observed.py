"""What events alone tell of a night: columns, and how much there was of what."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nextpick.drift.columns import (
    Class,
    Column,
    Direction,
    Number,
    Rate,
    Traffic,
    active_users,
    amount,
    event_columns,
    new_items,
    new_users,
    unknown_items,
    volumes,
)
from nextpick.drift.windows import Window, Windows

Shares = Callable[[Traffic, Sequence[Window]], list[tuple[int, int]]]


@dataclass(frozen=True)
class Observed:
    """What `judge` takes; `volume` are the interactions."""

    columns: list[Column]
    volume: Number
    rates: tuple[Rate, ...]
    numbers: tuple[Number, ...]


def observe(traffic: Traffic, windows: Windows) -> Observed:
    """Everything that is watched of what users did."""
    spans = (windows.current, *windows.weeks), *windows.other_nights
    return Observed(
        columns=event_columns(traffic, windows),
        volume=volumes(traffic, windows),
        rates=(
            _share("unknown_items", "contract", unknown_items, traffic, windows, "up"),
            _share("new_user", "distribution", new_users, traffic, windows),
            _share("new_item", "distribution", new_items, traffic, windows),
        ),
        numbers=(amount("active_users", *(active_users(traffic, some) for some in spans)),),
    )


def _share(name: str, kind: Class, share: Shares, traffic: Traffic, windows: Windows, bad: Direction = "both") -> Rate:
    now, *weeks = share(traffic, (windows.current, *windows.weeks))
    others = tuple(tuple(share(traffic, night)) for night in windows.other_nights)
    return Rate(name, kind, now, tuple(weeks), bad, other_nights=others)
