"""What Postgres would know of a simulated shop at a moment: it stands in for nextpick.store where drift reports read.

So the functions of nextpick.stages.drift_seen, drift_answers and drift_report run as they do at night, down to their
rules of who has rows enough, which answers have had their time, and which earlier reports count. Not asked is what
only a database does: its queries have tests of their own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.yardstick.offers import LIST, NAMES, Served
from benchmarks.yardstick.trade import BEGINNING, US_PER_DAY, Lines, Trade, frame, moment
from nextpick.drift.windows import Window
from nextpick.stages import drift_answers, drift_report, drift_seen, skew
from nextpick.store import drift, outcomes

Drifted = dict[int, tuple[Lines, Served]]  # days of a trade that are other than they were
RELEASE = 1


@dataclass
class Books:
    """A trade, and what of it is made once for all nights."""

    trade: Trade

    @cached_property
    def names(self) -> list[str]:
        """Of the items; the last one is an id that no catalogue holds."""
        return [f"item{i}" for i in range(len(self.trade.items.born) + 1)]

    @cached_property
    def catalogue(self) -> pd.DataFrame:
        items = self.trade.items
        categories = [[f"category{number}"] for number in items.category]
        return pd.DataFrame({"item_id": np.arange(len(items.born)), "price": items.price, "categories": categories})

    @cached_property
    def events(self) -> pd.DataFrame:
        return pd.concat([frame(lines) for lines in self.trade.lines], ignore_index=True)

    @cached_property
    def lines(self) -> Lines:
        return _joined(self.trade.lines)

    @cached_property
    def begins(self) -> np.ndarray:
        """Where each day's events begin, and one more."""
        return np.cumsum([0] + [len(lines.at) for lines in self.trade.lines])

    @cached_property
    def logged(self) -> list[list[drift.Answer]]:
        """Each day's answers."""
        return [_answers(served) for served in self.trade.served]

    @cached_property
    def became(self) -> list[list[outcomes.Followed]]:
        """What became of each."""
        return [_followed(served) for served in self.trade.served]


@dataclass
class Ledger:
    """A shop as it is known at `now`, some days replaced by what drifted; `reports` are the newest first."""

    books: Books
    now: datetime
    drifted: Drifted
    reports: Sequence[drift.Report] = field(default=())

    Skew = skew.Skew
    Report = drift.Report

    @cached_property
    def today(self) -> int:
        """The day before the night."""
        return (self.now - BEGINNING) // timedelta(days=1) - 1

    @cached_property
    def arrived(self) -> dict[int, Lines]:
        """Days that are other than in the books: those that drifted, and today's, of which some may not be in yet."""
        changed = {day: self.drifted[day][0] for day in self.drifted if day <= self.today}
        lines = changed.get(self.today, self.books.trade.lines[self.today])
        here = lines.at + lines.late_seconds * 1e6 < _us(self.now)
        if here.all():
            return changed
        return {**changed, self.today: lines[here]}

    @cached_property
    def first_changed(self) -> int:
        return min(self.arrived, default=self.today + 1)

    # what nextpick.store.drift tells

    def newest_event(self, _: object, as_of: datetime) -> datetime | None:
        days = (self._lines(day).at for day in range(self.today, -1, -1))
        return next((moment(at[-1]) for at in days if len(at)), None)

    def newest_live_event(self, conn: object, _: datetime, before: datetime) -> datetime | None:
        return self.newest_event(conn, before)

    def live_events(self, _: object, since: datetime, before: datetime) -> int:
        return sum(int(_within(self._lines(day).at, since, before).sum()) for day in self._days(since, before))

    def release_at(self, _: object, as_of: datetime) -> tuple[int, None]:
        """Released last night, of a model that knows all until then."""
        return RELEASE, None

    def feature_names(self, _: object) -> dict[int, tuple[str, ...]]:
        return {RELEASE: NAMES}

    def older(self, _: object, what: str, ids: pd.Index, kinds: object, known: datetime) -> pd.Index:
        """Which of some users or items had an event before a moment: customers of old, and what was sold then."""
        if what == "user":
            return ids[ids < self.books.trade.users]
        born = np.append(self.books.trade.items.born, 0)  # -1, which no catalogue holds, is as old as the shop
        return ids[born[ids] < max(1, (known - BEGINNING).days)]

    def answers(self, _: object, since: datetime, before: datetime, limit: int) -> list[drift.Answer]:
        days = self._days(since, before)
        logged = [_answers(self.drifted[d][1]) if d in self.drifted else self.books.logged[d] for d in days]
        found = [one for day in logged for one in day if since <= one.answered_at < before]
        return found[:: -(-len(found) // limit)] if found else []

    def heads(self, _: object, since: datetime, before: datetime) -> list[drift.Report]:
        return [replace(one, metrics=()) for one in self.reports if since <= one.as_of < before]

    def measured(self, _: object, heads: Sequence[drift.Report]) -> list[drift.Report]:
        wanted = {one.as_of for one in heads}
        return [one for one in self.reports if one.as_of in wanted]

    # what nextpick.store.events and items tell

    def read_arrived(self, _: object, *, since: datetime, before: datetime) -> pd.DataFrame:
        first, until = self._from(since), self.books.begins[self.first_changed]
        tail = [self._lines(day) for day in range(self.first_changed, self.today + 1)]
        kept = self.books.events.iloc[first:until]
        parts = [frame(lines) for lines in tail if len(lines.at)]
        return pd.concat([kept, *parts], ignore_index=True) if parts else kept.reset_index(drop=True)

    def read(self, _: object) -> pd.DataFrame:
        return self.books.catalogue

    # what nextpick.store.outcomes tells

    def followed(
        self, _: object, kinds: object, since: datetime, before: datetime, within: timedelta
    ) -> list[outcomes.Followed]:
        found = []
        for day in self._days(since, before):
            there = np.flatnonzero(_within(self._served(day).at, since, before))
            known = _followed(self.drifted[day][1]) if day in self.drifted else self.books.became[day]
            found += [known[i] for i in there.tolist()]
        return found

    def shown(self, _: object, since: datetime, before: datetime) -> outcomes.Shown:
        days = [self._served(day) for day in self._days(since, before)]
        there = [_within(day.at, since, before) for day in days]
        nobody, nothing = np.empty(0, np.int64), np.empty((0, LIST), np.int64)
        users = np.concatenate([nobody, *(day.users[some] for day, some in zip(days, there, strict=True))])
        items = np.concatenate([nothing, *(day.items[some] for day, some in zip(days, there, strict=True))])
        order = np.argsort(users, kind="stable")
        rows, distinct = np.unique(items[order].ravel(), return_inverse=True)
        return outcomes.Shown(
            users[order].astype(np.int32),
            np.arange(len(users) + 1, dtype=np.int64) * LIST,
            distinct.astype(np.int32),
            tuple(self.books.names[row] for row in rows),
        )

    def popularity(self, _: object, kinds: object, since: datetime, before: datetime) -> dict[str, int]:
        until = self.books.begins[self.first_changed]
        kept = self.books.lines[slice(self._from(since), until)]
        counts = np.zeros(len(self.books.names), np.int64)
        for lines in (kept, *(self._lines(day) for day in range(self.first_changed, self.today + 1))):
            some = lines.item[_within(lines.at, since, before) & lines.bought]
            counts += np.bincount(some % len(counts), minlength=len(counts))  # -1 is the last
        return {self.books.names[row]: int(counts[row]) for row in np.flatnonzero(counts)}

    # what nextpick.stages.skew tells

    def run(self, _: object, settings: object, release_id: int, window: Window) -> skew.Skew:
        """A sample of the answers, held to what training computes: the same, but for those that raced."""
        days = [self._served(day) for day in self._days(*window)]
        there = [_within(day.at, *window) for day in days]
        features = np.concatenate([day.features[some] for day, some in zip(days, there, strict=True)])
        raced = np.concatenate([day.raced[some] for day, some in zip(days, there, strict=True)])
        chosen = np.random.default_rng(self.today).permutation(len(raced))[: skew.SAMPLE]
        served, trained = features[chosen], features[chosen].copy()
        late = np.flatnonzero(raced[chosen])
        trained[late, 0, -1] = np.nextafter(np.nan_to_num(trained[late, 0, -1]), np.float32(np.inf))
        unequal = int((~skew.same_bits(served, trained).all(axis=(1, 2))).sum())
        return skew.Skew(unequal, len(chosen), NAMES[-1] if unequal else None, {}, 0)

    def _lines(self, day: int) -> Lines:
        return self.arrived.get(day, self.books.trade.lines[day])

    def _served(self, day: int) -> Served:
        return self.drifted[day][1] if day in self.drifted else self.books.trade.served[day]

    def _from(self, since: datetime) -> int:
        """Where the events since a moment begin, if not among those that changed."""
        until = int(self.books.begins[self.first_changed])
        return min(until, int(np.searchsorted(self.books.lines.at, _us(since))))

    def _days(self, since: datetime, before: datetime) -> range:
        first, last = (_us(since) // US_PER_DAY, (_us(before) - 1) // US_PER_DAY)
        return range(max(0, first), min(self.today, last) + 1)


@contextmanager
def opened(ledger: Ledger) -> Iterator[None]:
    """What reads for drift reports reads from a ledger meanwhile."""
    with (
        patch.multiple(drift_seen, drift=ledger, events=ledger, items=ledger),
        patch.multiple(drift_answers, outcomes=ledger, skew=ledger),
        patch.multiple(drift_report, drift=ledger),
    ):
        yield


def _us(at: datetime) -> int:
    return (at - BEGINNING) // timedelta(microseconds=1)


def _within(at: np.ndarray, since: datetime, before: datetime) -> np.ndarray:
    return np.asarray((at >= _us(since)) & (at < _us(before)))


def _joined(days: Sequence[Lines]) -> Lines:
    return Lines(*(np.concatenate([getattr(day, name) for day in days]) for name in Lines.__dataclass_fields__))


def _answers(served: Served) -> list[drift.Answer]:
    each = zip(served.at, served.scores, served.sources, served.features, strict=True)
    return [drift.Answer(moment(at), RELEASE, scores, [source] * LIST, x.ravel()) for at, scores, source, x in each]


def _followed(served: Served) -> list[outcomes.Followed]:
    each = zip(served.followed, served.relevant.tolist(), strict=True)
    return [outcomes.Followed(RELEASE, np.flatnonzero(places), relevant, 1) for places, relevant in each]
