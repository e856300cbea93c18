"""Events: who did what to which item, when. Frames have the columns of `nextpick.schema`."""

from datetime import UTC, datetime
from io import BytesIO

import pandas as pd
import psycopg
import pyarrow as pa
from pyarrow import csv

from nextpick.schema import EVENT_COLUMNS, EVENT_ID, ITEM_ID, KIND, OCCURRED_AT, USER_ID, VALUE
from nextpick.store import partitions, sql

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


def insert(conn: psycopg.Connection, frame: pd.DataFrame) -> int:
    """Insert the events of `frame` (EVENT_COLUMNS) whose id is new and return how many; the caller commits.

    An event whose id is known, or stood higher up in the same frame, changes nothing. Makes the partitions needed.
    """
    if frame.empty:
        return 0
    months = frame[OCCURRED_AT].dt.strftime("%Y-%m").unique()
    partitions.make(conn, "events", [datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC) for month in months])
    table = pa.Table.from_pandas(frame[list(EVENT_COLUMNS)], schema=_ARROW, preserve_index=False)
    data = BytesIO()
    csv.write_csv(table, data, csv.WriteOptions(include_header=False))
    conn.execute(_SQL["stage"])
    with conn.cursor() as cur:
        with cur.copy(_SQL["fill"]) as copy:
            copy.write(data.getbuffer())
        new = cur.execute(_SQL["insert_staged"]).rowcount
        cur.execute(_SQL["unstage"])
    return new


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
