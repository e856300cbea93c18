"""Stage: events and items that queries find in another Postgres, of the events only what is new since the last time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psycopg

from nextpick.data.blocks import ROWS, Block
from nextpick.data.incoming import EventForm, ItemForm
from nextpick.data.moments import US_PER_UNIT
from nextpick.errors import DataError
from nextpick.schema import OCCURRED_AT
from nextpick.stages.load import Part, Report, check, load
from nextpick.store import foreign, watermarks
from nextpick.store.connection import place
from nextpick.store.transactions import require_idle

OVERLAP = timedelta(hours=1)  # fetched again each time, for what was committed late; known events change nothing


@dataclass(frozen=True)
class Source:
    """Files with one SELECT each, and the Postgres they are for."""

    url: str
    event_query: Path | None = None
    item_query: Path | None = None
    overlap: timedelta = OVERLAP

    def name(self, query: Path) -> str:
        """What a query's watermark goes by: its file's name and where it runs; never a password."""
        return f"{query.name} at {place(self.url)}"


def run(
    conn: psycopg.Connection,
    source: Source,
    *,
    now: datetime,
    max_bad_share: float,
    forms: tuple[EventForm, ItemForm] = (EventForm(), ItemForm()),
) -> list[Report]:
    """Load what the source's queries find; of the events what is newer than their watermark less the overlap.

    The watermark moves on in the transaction that writes the events. `conn` must be in no transaction.

    Raises: DataError where a query cannot be read or run, or too many of its rows cannot be used; StoreError where
    the other Postgres cannot be reached.
    """
    require_idle(conn, "A load")
    event_form, item_form = forms
    parts, watermark = [], None
    if source.item_query is not None:
        name = source.name(source.item_query)
        blocks = _blocks(foreign.rows(source.url, read_query(source.item_query), name, size=ROWS))
        parts.append(Part(name, check(blocks, item_form, name, now), are_items=True))
    if source.event_query is not None:
        watermark = source.name(source.event_query)
        after = _after(conn, watermark, event_form, source.overlap)
        zone, query = event_form.times.timezone or "UTC", read_query(source.event_query)
        rows = foreign.rows(source.url, query, watermark, size=ROWS, timezone=zone, after=after)
        parts.append(Part(watermark, check(_blocks(rows), event_form, watermark, now)))
    return load(conn, parts, now=now, max_bad_share=max_bad_share, watermark=watermark)


def read_query(path: Path) -> str:
    """The text of a query's file. Raises: DataError where it cannot be read, or holds nothing."""
    try:
        query = path.read_text().strip().rstrip(";").rstrip()
    except (OSError, UnicodeError) as error:
        raise DataError(f"Cannot read the query {path}: {getattr(error, 'strerror', None) or error}.") from None
    if not query:
        raise DataError(f"The query {path} is empty; write one SELECT.")
    return query


def _after(
    conn: psycopg.Connection, source: str, form: EventForm, overlap: timedelta
) -> tuple[str, datetime | float] | None:
    """Column and lower bound of what is still to be fetched; None for all of it."""
    with conn.transaction():
        watermark = watermarks.read(conn, source)
    if watermark is None:
        return None
    since, unit = watermark - overlap, form.times.unit
    bound = since if unit is None else since.timestamp() * 1_000_000 // US_PER_UNIT[unit]
    return form.columns.get(OCCURRED_AT, OCCURRED_AT), bound


def _blocks(found: Iterator[tuple[list[str], list[tuple[Any, ...]]]]) -> Iterator[Block]:
    """Rows as Python values, datetimes, decimals and UUIDs among them. Raises: DataError where a name stands twice."""
    first = 1
    for names, rows in found:
        if len(set(names)) < len(names):
            raise DataError(f"The query names a column twice: {', '.join(names)}. Name each with AS.")
        columns = [pd.Series(list(values), dtype="object") for values in zip(*rows, strict=True)]
        frame = pd.DataFrame(dict(zip(names, columns or [pd.Series(dtype="object")] * len(names), strict=True)))
        numbers = np.arange(first, first + len(rows), dtype=np.int64)
        first += len(rows)
        yield Block(numbers, frame, _line(names, rows))


def _line(names: list[str], rows: list[tuple[Any, ...]]) -> Callable[[int], dict[str, Any]]:
    return lambda at: dict(zip(names, rows[at], strict=True))
