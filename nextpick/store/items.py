"""The catalogue. Frames have the columns of `nextpick.schema`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd
import psycopg

from nextpick.schema import ATTRIBUTES, CATEGORIES, ITEM_COLUMNS, PRICE, PUBLISHED_AT
from nextpick.store import sql

NO_SHIFT = timedelta(0)
_SQL = sql.load("items")


def upsert(conn: psycopg.Connection, frame: pd.DataFrame) -> int:
    """Insert or replace the items of `frame` (ITEM_COLUMNS) and return how many changed; the caller commits.

    Where an item stands twice the lower row counts. Whether an item is hidden stays as it is.
    """
    stage(conn)
    fill(conn, frame)
    changed = upsert_staged(conn, NO_SHIFT)
    unstage(conn)
    return changed


def stage(conn: psycopg.Connection) -> None:
    """Begin a bulk upsert: a private table of this session, empty."""
    conn.execute(_SQL["stage"])


def fill(conn: psycopg.Connection, frame: pd.DataFrame) -> None:
    """Add rows to the bulk upsert: ITEM_COLUMNS."""
    with conn.cursor() as cur, cur.copy(_SQL["fill"]) as copy:
        for row in frame[list(ITEM_COLUMNS)].itertuples(index=False):
            copy.write_row((row[0], row[1], list(row[2]), _known(row[3]), _moment(row[4]), row[5]))


def upsert_staged(conn: psycopg.Connection, shift: timedelta) -> int:
    """Write what differs from the catalogue, published times moved by `shift`, and return how many rows did; the
    caller commits."""
    return conn.execute(_SQL["upsert_staged"], {"shift": shift}).rowcount


def name_unlisted(conn: psycopg.Connection) -> int:
    """Give the items of staged events that are in no catalogue a row, titled by their id; returns how many."""
    return conn.execute(_SQL["name_unlisted"]).rowcount


def unstage(conn: psycopg.Connection) -> None:
    """End the bulk upsert."""
    conn.execute(_SQL["unstage"])


def read(conn: psycopg.Connection) -> pd.DataFrame:
    """The whole catalogue by item id: ITEM_COLUMNS and `hidden`."""
    rows = conn.execute(_SQL["read"]).fetchall()
    frame = pd.DataFrame(rows, columns=[*ITEM_COLUMNS, "hidden"])
    frame[PRICE] = frame[PRICE].astype("float64")
    frame[PUBLISHED_AT] = pd.to_datetime(frame[PUBLISHED_AT], utc=True).astype("datetime64[us, UTC]")
    for column in (CATEGORIES, ATTRIBUTES):
        frame[column] = frame[column].astype("object")
    frame["hidden"] = frame["hidden"].astype(bool)
    return frame


def titles(conn: psycopg.Connection, item_ids: Sequence[str]) -> dict[str, str]:
    """What the catalogue calls these items now; those it lacks are left out."""
    return dict(conn.execute(_SQL["titles"], {"item_ids": list(item_ids)}).fetchall())


def _known(price: float) -> float | None:
    return None if pd.isna(price) else float(price)


def _moment(moment: pd.Timestamp) -> datetime | None:
    return None if pd.isna(moment) else moment.to_pydatetime()
