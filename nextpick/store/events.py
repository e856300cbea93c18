"""Events: who did what to which item, when. Frames have the columns of `nextpick.schema`."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pandas as pd
import psycopg
import pyarrow as pa
from pyarrow import csv

from nextpick.schema import EVENT_COLUMNS, EVENT_ID, ITEM_ID, KIND, OCCURRED_AT, USER_ID, VALUE
from nextpick.store import partitions, sql

DIGEST = "digest"  # of a row that brings no event id: what its id is made of
NO_SHIFT = timedelta(0)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_SQL = sql.load("events")
_ARROW = pa.schema(
    [
        (EVENT_ID, pa.string()),
        (USER_ID, pa.string()),
        (ITEM_ID, pa.string()),
        (KIND, pa.string()),
        (OCCURRED_AT, pa.timestamp("us", "UTC")),
        (VALUE, pa.float64()),
    ]
)
_STAGED = _ARROW.append(pa.field(DIGEST, pa.string()))


def insert(conn: psycopg.Connection, frame: pd.DataFrame) -> int:
    """Insert the events of `frame` (EVENT_COLUMNS) whose id is new and return how many; the caller commits.

    An event whose id is known, or stood higher up in the same frame, changes nothing. Makes the partitions needed.
    """
    stage(conn)
    fill(conn, frame.assign(**{DIGEST: None}))
    partitions.make(conn, "events", staged_months(conn, NO_SHIFT))
    new = insert_staged(conn, NO_SHIFT)
    unstage(conn)
    return new


def stage(conn: psycopg.Connection) -> None:
    """Begin a bulk insert: a private table of this session, empty."""
    conn.execute(_SQL["stage"])


def fill(conn: psycopg.Connection, frame: pd.DataFrame) -> None:
    """Add rows to the bulk insert: EVENT_COLUMNS and DIGEST, from which an id is made where event_id is missing."""
    table = pa.Table.from_pandas(frame[_STAGED.names], schema=_STAGED, preserve_index=False)
    data = BytesIO()
    csv.write_csv(table, data, csv.WriteOptions(include_header=False))
    with conn.cursor() as cur, cur.copy(_SQL["fill"]) as copy:
        copy.write(data.getbuffer())


def staged_months(conn: psycopg.Connection, shift: timedelta) -> list[datetime]:
    """The months that the rows of the bulk insert fall into once moved by `shift`; they need partitions."""
    return [row[0] for row in conn.execute(_SQL["staged_months"], {"shift": shift})]


def insert_staged(conn: psycopg.Connection, shift: timedelta) -> int:
    """Write the rows whose id is new, moved by `shift`, and return how many; the caller commits."""
    return conn.execute(_SQL["insert_staged"], {"shift": shift}).rowcount


def unstage(conn: psycopg.Connection) -> None:
    """End the bulk insert."""
    conn.execute(_SQL["unstage"])


def read(conn: psycopg.Connection, *, before: datetime, since: datetime = BEGINNING) -> pd.DataFrame:
    """Events of [since, before), oldest first, ties by id: EVENT_COLUMNS."""
    data = BytesIO()
    with conn.cursor() as cur, cur.copy(_SQL["read"], {"since": since, "before": before}) as copy:
        for block in copy:
            data.write(block)
    if not data.tell():
        return _ARROW.empty_table().to_pandas()
    table = csv.read_csv(
        BytesIO(data.getvalue()),
        csv.ReadOptions(column_names=list(EVENT_COLUMNS)),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types={**dict(zip(_ARROW.names, _ARROW.types, strict=True)), OCCURRED_AT: pa.string()},
            null_values=[""],
            strings_can_be_null=False,
        ),
    )
    frame = table.to_pandas()
    frame[OCCURRED_AT] = pd.to_datetime(frame[OCCURRED_AT], utc=True, format="ISO8601").astype("datetime64[us, UTC]")
    return frame


def newest(conn: psycopg.Connection) -> datetime | None:
    """When the newest event happened, or None where there is none."""
    row = conn.execute(_SQL["newest"]).fetchone()
    return row[0] if row else None
