"""Stage: a user's own events and items into Postgres, all of them or nothing.

Rows are read and checked block by block into private tables of the session; only when all are, and few enough are bad,
one transaction writes what is new. A load that fails, or is killed, has changed nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.pq import TransactionStatus

from nextpick.data import incoming, readers
from nextpick.data.blocks import ROWS, Block, Reject
from nextpick.data.incoming import Checked, EventForm, ItemForm
from nextpick.data.readers import FileForm
from nextpick.errors import DataError, StoreError
from nextpick.schema import EVENT_COLUMNS, OCCURRED_AT
from nextpick.stages import progress
from nextpick.store import events, items, loads, partitions, watermarks
from nextpick.store.transactions import step_by_step, with_lock_retry

SHOWN_NAME = 40  # characters of a source's name beside its bar
SHOWN = 200  # characters of a rejected row in an error


@dataclass(frozen=True)
class Part:
    """Events or items from one source, checked as they are read."""

    source: str
    checked: Iterable[Checked]
    are_items: bool = False
    earlier_shift: bool = False
    """Whether the source is moved by what it was moved the first time."""


@dataclass(frozen=True)
class Report:
    """What became of a part's rows: read = new + known + quarantined + dropped. An item is new where it, or anything
    about it, is."""

    load_id: int
    source: str
    are_items: bool
    read: int
    new: int
    known: int
    quarantined: dict[str, int]
    dropped: dict[str, int]
    shift_days: int
    newest: datetime | None
    """The newest event's time, as loaded."""


@dataclass(frozen=True)
class _Staged:
    """A part read to its end. `bad` and `dropped` count rows by reason, `examples` has one row a reason."""

    part: Part
    good: int
    bad: Counter[str]
    dropped: Counter[str]
    examples: tuple[Reject, ...]
    newest: datetime | None

    @property
    def read(self) -> int:
        return self.good + self.bad.total() + self.dropped.total()


def run(
    conn: psycopg.Connection,
    event_file: Path | None,
    item_file: Path | None,
    *,
    now: datetime,
    max_bad_share: float,
    forms: tuple[EventForm, ItemForm, FileForm] = (EventForm(), ItemForm(), FileForm()),
) -> list[Report]:
    """Load a user's files; `now` is what "in the future" is measured by. `conn` must be in no transaction.

    Raises: DataError where a file cannot be read, or more than `max_bad_share` of its rows cannot be used: then
    nothing is loaded. ConfigError for options that are wrong.
    """
    event_form, item_form, file_form = forms
    if event_file == item_file:  # what a user did is nothing about the item
        of_events = {event_form.columns.get(name, name) for name in EVENT_COLUMNS}
        item_form = replace(item_form, left_out=frozenset(of_events))
    parts = []
    if item_file is not None:
        checked = check(readers.read(item_file, file_form), item_form, str(item_file), now)
        parts.append(Part(str(item_file), checked, are_items=True))
    if event_file is not None:
        checked = check(readers.read(event_file, file_form), event_form, str(event_file), now)
        parts.append(Part(str(event_file), checked))
    return load(conn, parts, now=now, max_bad_share=max_bad_share)


def check(blocks: Iterable[Block], form: EventForm | ItemForm, name: str, now: datetime) -> Iterator[Checked]:
    """Check a source's blocks as they come, with a bar on a terminal.

    Raises: DataError where a needed column is missing, or where a whole first block is bad: so will the rest be.
    """
    with progress.bar(name if len(name) <= SHOWN_NAME else f"...{name[-SHOWN_NAME:]}") as advance:
        for number, block in enumerate(blocks):
            if number == 0:
                incoming.require_columns(block, form, name)
            checked = (
                incoming.check_items(block, form)
                if isinstance(form, ItemForm)
                else incoming.check_events(block, form, now)
            )
            if number == 0 and len(checked.rejects) == ROWS:
                why = _why(reversed(checked.rejects), Counter(reject.reason for reject in checked.rejects))
                raise DataError(f"None of the first {ROWS:,} rows of {name} can be used. {why}")
            yield checked
            advance(block.done, block.read, "")


def load(
    conn: psycopg.Connection,
    parts: Iterable[Part],
    *,
    now: datetime,
    max_bad_share: float,
    shift: timedelta = events.NO_SHIFT,
    watermark: str | None = None,
) -> list[Report]:
    """Write the parts, at most one of events and one of items, in one transaction; returns a report of each.

    Events are moved by `shift`. `watermark` names the source whose watermark moves on with its events. `conn` must be
    in no transaction and is left as it came.

    Raises: DataError where more than `max_bad_share` of a part's rows cannot be used; StoreError where `conn` is in a
    transaction, or Postgres goes away, is full, or was never migrated.
    """
    try:
        with step_by_step(conn, "A load"), _staging(conn):
            staged = [_stage(conn, part) for part in parts]
            for one in staged:
                _refuse_bad(one, max_bad_share)
            with progress.spinner("writing to Postgres"), loads.one_at_a_time(conn):
                return _write(conn, staged, now, shift, watermark)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise _unable(error) from error


def _unable(error: psycopg.Error) -> StoreError:
    reason = str(error).strip().splitlines()[0]
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.UndefinedColumn):
        return StoreError(f"The database lacks what a load needs ({reason}). Migrate it: `make run` does.")
    return StoreError(f"Postgres did not take the load: {reason}. Load again; what is there already changes nothing.")


@contextmanager
def _staging(conn: psycopg.Connection) -> Iterator[None]:
    for family in (events, items, loads):
        family.stage(conn)
    try:
        yield
    finally:
        if not conn.closed and conn.info.transaction_status == TransactionStatus.IDLE:
            for family in (events, items, loads):
                family.unstage(conn)


def _stage(conn: psycopg.Connection, part: Part) -> _Staged:
    """Read a part to its end into the private tables."""
    good, newest = 0, None
    bad, dropped = Counter[str](), Counter[str]()
    examples: dict[str, Reject] = {}
    for checked in part.checked:
        good += len(checked.good)
        bad.update(reject.reason for reject in checked.rejects)
        dropped.update(checked.dropped)
        for reject in checked.rejects:
            examples.setdefault(reject.reason, reject)
        loads.reject(conn, part.are_items, ((row.number, row.reason, row.line) for row in checked.rejects))
        if part.are_items:
            items.fill(conn, checked.good)
        elif len(checked.good):
            events.fill(conn, checked.good)
            latest = checked.good[OCCURRED_AT].max().to_pydatetime()
            newest = latest if newest is None else max(newest, latest)
    return _Staged(part, good, bad, dropped, tuple(examples.values()), newest)


def _refuse_bad(staged: _Staged, max_bad_share: float) -> None:
    bad, of = staged.bad.total(), staged.read - staged.dropped.total()
    if bad > max_bad_share * of:
        raise DataError(
            f"{bad:,} of {of:,} rows of {staged.part.source} cannot be used ({bad / of:.1%}), more than the "
            f"{max_bad_share:.1%} that load.max_bad_share in params.yaml or --max-bad allows. Nothing was loaded. "
            + _why(staged.examples, staged.bad)
        )


def _why(examples: Iterable[Reject], counts: Counter[str]) -> str:
    """The reasons by number, each with where it is seen first and what stands there."""
    first = {reject.reason: reject for reject in examples}
    shown = [
        f"\n  {count:,} x {reason}; first in line {first[reason].number}: {loads.storable(first[reason].line)[:SHOWN]}"
        for reason, count in counts.most_common()
    ]
    return "Reasons:" + "".join(shown)


def _write(
    conn: psycopg.Connection, staged: list[_Staged], now: datetime, shift: timedelta, watermark: str | None
) -> list[Report]:
    """Under the load lock: partitions first and by themselves, for their locks must be short; then all the rest."""
    shifts = {one.part.source: _shift(conn, one.part, shift) for one in staged}
    months = [
        month
        for one in staged
        if not one.part.are_items
        for month in events.staged_months(conn, shifts[one.part.source])
    ]

    def make() -> None:
        with conn.transaction():
            partitions.make(conn, "events", months)

    with_lock_retry(conn, make, "make the partitions of the months to load")
    with conn.transaction():
        reports = [_publish(conn, one, now, shifts[one.part.source]) for one in staged]
        newest = [one.newest for one in staged if one.newest is not None]
        if watermark is not None and newest:
            watermarks.advance(conn, watermark, max(newest))
    return reports


def _shift(conn: psycopg.Connection, part: Part, shift: timedelta) -> timedelta:
    """What was loaded once keeps its place in time when it is loaded again."""
    earlier = loads.shift_days(conn, part.source) if part.earlier_shift else None
    return shift if earlier is None else timedelta(days=earlier)


def _publish(conn: psycopg.Connection, staged: _Staged, now: datetime, shift: timedelta) -> Report:
    part = staged.part
    if part.are_items:
        new = written = items.upsert_staged(conn, shift)
    else:
        new, written = events.insert_staged(conn, shift), items.name_unlisted(conn)
    load = loads.Load(
        source=part.source,
        are_items=part.are_items,
        started_at=now,
        rows_read=staged.read,
        events_new=0 if part.are_items else new,
        events_known=0 if part.are_items else staged.good - new,
        items_written=written,
        quarantined=staged.bad.total(),
        dropped=staged.dropped,
        shift_days=shift.days,
    )
    return Report(
        load_id=loads.record(conn, load),
        source=part.source,
        are_items=part.are_items,
        read=staged.read,
        new=new,
        known=staged.good - new,
        quarantined=dict(staged.bad),
        dropped=dict(staged.dropped),
        shift_days=shift.days,
        newest=None if staged.newest is None else staged.newest + shift,
    )
