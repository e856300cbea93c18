"""Events: who did what to which item, when. Frames have the columns of `nextpick.schema`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import islice

import pandas as pd
import psycopg
import pyarrow as pa
from pyarrow import csv

from nextpick.schema import EVENT_ID, ITEM_ID, KIND, OCCURRED_AT, USER_ID, VALUE
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
INTERACTION_COLUMNS = (USER_ID, ITEM_ID, KIND, OCCURRED_AT)
RECEIVED_AT = "received_at"
_ARRIVED = _ARROW.append(pa.field(RECEIVED_AT, pa.int64()))
_INTERACTIONS = pa.schema([_ARROW.field(name) for name in INTERACTION_COLUMNS])
ROWS_AT_ONCE = 250_000  # some 400 bytes each while they are read


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
    return _frame(_rows(conn, "read", {"since": since, "before": before}), _ARROW)


def read_arrived(conn: psycopg.Connection, *, before: datetime, since: datetime) -> pd.DataFrame:
    """The same with RECEIVED_AT, when Postgres had each."""
    frame = _frame(_rows(conn, "read_arrived", {"since": since, "before": before}), _ARRIVED)
    frame[RECEIVED_AT] = pd.to_datetime(frame[RECEIVED_AT], unit="us", utc=True).astype("datetime64[us, UTC]")
    return frame


def of_users(
    conn: psycopg.Connection, user_ids: Sequence[str], kinds: Sequence[str], before: datetime, known: datetime
) -> pd.DataFrame:
    """What these users did of `kinds` before a moment, as Postgres was told of it by `known`; in no order.

    The columns are INTERACTION_COLUMNS.
    """
    values = {"user_ids": list(user_ids), "kinds": list(kinds), "before": before, "known": known}
    return _frame(_rows(conn, "of_users", values), _INTERACTIONS)


def by_item(
    conn: psycopg.Connection,
    kinds: Sequence[str],
    before: datetime,
    known: datetime,
    rows: int = ROWS_AT_ONCE,
    item_ids: Sequence[str] | None = None,
) -> Iterator[pd.DataFrame]:
    """All there is of `kinds` before a moment, as of_users, in pieces of about so many rows: an item's are in one.
    Where `item_ids` are given, of those alone.

    Postgres sorts them, on its disk where they are many; here no more is in memory than a piece and, where an item
    has more rows than that, the rows of one item. Gives at least one piece, if an empty one.
    """
    some_ids = None if item_ids is None else list(item_ids)
    sent = _rows(conn, "by_item", {"kinds": list(kinds), "before": before, "known": known, "item_ids": some_ids})
    kept = _INTERACTIONS.empty_table().to_pandas()
    while some := list(islice(sent, rows)):
        kept = pd.concat([kept, _frame(some, _INTERACTIONS)], ignore_index=True)
        last = kept[ITEM_ID] == kept[ITEM_ID].iat[-1]
        if not last.all():
            yield kept[~last]
            kept = kept[last]
    yield kept


def _rows(conn: psycopg.Connection, query: str, values: Mapping[str, object]) -> Iterator[bytes]:
    """The rows of a COPY ... TO STDOUT (FORMAT csv): Postgres sends each in a message of its own."""
    with conn.cursor() as cur, cur.copy(_SQL[query], values) as copy:
        yield from map(bytes, copy)


def _frame(rows: Iterable[bytes], schema: pa.Schema) -> pd.DataFrame:
    data = b"".join(rows)
    if not data:
        return schema.empty_table().to_pandas()
    table = csv.read_csv(
        BytesIO(data),
        csv.ReadOptions(column_names=schema.names),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(
            column_types={**dict(zip(schema.names, schema.types, strict=True)), OCCURRED_AT: pa.string()},
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


def moment(conn: psycopg.Connection) -> datetime:
    """When this transaction began, by the clock that says when an event was received."""
    row = conn.execute(_SQL["moment"]).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM gives a row
    return row[0]
