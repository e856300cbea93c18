"""A night among the nights before it: what goes on alarming, for how long, and what is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nextpick.drift.measure import MOVED, Measure
from nextpick.drift.verdict import Seen, persistent


class Before(Seen, Protocol):
    """A measure of an earlier night, as it was stored."""

    @property
    def statistic(self) -> str: ...
    @property
    def nights(self) -> int: ...
    @property
    def alarm(self) -> bool: ...


@dataclass(frozen=True)
class Dated:
    """A measure, how many nights in a row it has moved, and whether people are told of it."""

    measure: Measure
    nights: int
    alarm: bool


def dated(
    measures: Sequence[Measure], before: Sequence[Sequence[Before]], own: Sequence[Sequence[Before]] | None = None
) -> tuple[Dated, ...]:
    """Tonight's measures among those of the nights before, newest first. `own`: of those nights the ones that
    `persistent` may ask; all by default.

    Alarms are what alarms the first night, what lasts, and what was an alarm and has not come back below the bar of a
    warning: one that wavers about its threshold is one alarm and not many. A night that could not measure it, as the
    one after a day on which the shop is closed, tells nothing of it.
    """
    last: dict[tuple[str, str], Before] = {}
    for night in before:
        for seen in night:
            if seen.verdict != "too_few_rows":
                last.setdefault(_key(seen), seen)
    lasting = {_key(measure) for measure in persistent(measures, before if own is None else own)}
    found = []
    for measure in measures:
        key, moved = _key(measure), measure.verdict in MOVED
        old = last.get(key)
        goes_on = moved and old is not None and old.verdict in MOVED
        alarm = measure.drifted or key in lasting or (goes_on and old is not None and old.alarm)
        found.append(Dated(measure, old.nights + 1 if goes_on and old is not None else 1, alarm))
    return tuple(found)


def over(tonight: Sequence[Dated], told: Sequence[str]) -> tuple[str, ...]:
    """Of the columns that people were told of those that are as before again: some of their statistics are fine
    tonight, and none moves. (Not all: where nothing is missing any more, that is not measured.)"""
    moving = {one.measure.column_name for one in tonight if one.measure.verdict in MOVED}
    fine = {one.measure.column_name for one in tonight if one.measure.verdict == "ok"}
    return tuple(column for column in told if column in fine - moving)


def _key(measure: Measure | Before) -> tuple[str, str]:
    return measure.column_name, measure.statistic
