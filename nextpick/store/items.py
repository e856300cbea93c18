"""The catalogue. Frames have the columns of `nextpick.schema`."""

from datetime import datetime

import pandas as pd
import psycopg

from nextpick.schema import ATTRIBUTES, CATEGORIES, ITEM_COLUMNS, PRICE, PUBLISHED_AT
from nextpick.store import sql

_SQL = sql.load("items")


def upsert(conn: psycopg.Connection, frame: pd.DataFrame) -> int:
    """Insert or replace the items of `frame` (ITEM_COLUMNS) and return how many changed; the caller commits.

    Where an item stands twice the lower row counts. Whether an item is hidden stays as it is.
    """
    conn.execute(_SQL["stage"])
    with conn.cursor() as cur:
        with cur.copy(_SQL["fill"]) as copy:
            for row in frame[list(ITEM_COLUMNS)].itertuples(index=False):
                copy.write_row((row[0], row[1], list(row[2]), _known(row[3]), _moment(row[4]), row[5]))
        changed = cur.execute(_SQL["upsert_staged"]).rowcount
        cur.execute(_SQL["unstage"])
    return changed


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


def _known(price: float) -> float | None:
    return None if pd.isna(price) else float(price)


def _moment(moment: pd.Timestamp) -> datetime | None:
    return None if pd.isna(moment) else moment.to_pydatetime()
