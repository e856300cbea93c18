"""Impressions: what was answered, with the exact feature vectors used."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg

from nextpick.schema import ANSWER, ITEM_ID, LOT_COLUMNS, PROPENSITY, RANK, SHOWN_AT, SHOWN_COLUMNS, USER_ID
from nextpick.store import arrays, sql
from nextpick.store.arrays import FLOAT4

_POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_START = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
_END = b"\xff\xff"
_FIELDS = (13).to_bytes(2, "big")
_NULL = b"\xff\xff\xff\xff"
_TEXT_OID = 25
_SQL = sql.load("impressions")


@dataclass(frozen=True)
class Impression:
    """One answer, to an anonymous session where `user_id` is None. `scores` float32 (k,); `features` float32 (k, F) in
    the bundle's FEATURES order, NaN where no ranker ran, or None where it ran for no item or they were not kept;
    `propensities` float32 (k,), None where no lots were drawn. `narrowed`: by filters, ids, pages before, or to items
    that the caller chose."""

    recommendation_id: UUID
    user_id: str | None
    answered_at: datetime
    as_of: datetime
    release_id: int
    variant: str
    scenario: str
    item_ids: tuple[str, ...]
    scores: np.ndarray
    sources: tuple[str, ...]
    features: np.ndarray | None
    propensities: np.ndarray | None = None
    narrowed: bool = False


def get(conn: psycopg.Connection, recommendation_id: UUID) -> Impression | None:
    """One answer, or None where none of that id is stored; `features` is flat, (k * F,)."""
    row = conn.execute(_SQL["get"], {"recommendation_id": recommendation_id}).fetchone()
    if row is None:
        return None
    found = Impression(*row)
    return replace(
        found,
        item_ids=tuple(found.item_ids),
        scores=np.array(found.scores, np.float32),
        sources=tuple(found.sources),
        features=_floats(found.features),
        propensities=_floats(found.propensities),
    )


def _floats(values: Any) -> np.ndarray | None:
    return None if values is None else np.array(values, np.float32)


def shown(conn: psycopg.Connection, *, since: datetime, before: datetime) -> pd.DataFrame:
    """What answers of [since, before) showed, oldest first: SHOWN_COLUMNS, the best rank of each user, item and day."""
    return _offered(conn, "shown", SHOWN_COLUMNS, since, before)


def lots(conn: psycopg.Connection, *, since: datetime, before: datetime) -> pd.DataFrame:
    """Of [since, before), the answers of which places were given away by lot, place by place, oldest first:
    LOT_COLUMNS, `answer` numbering them from 0. Only known users' in the scenario `default`, which is the one models
    are tested in."""
    frame = _offered(conn, "lots", LOT_COLUMNS, since, before)
    return frame.astype({ANSWER: "int64", PROPENSITY: "float32"})


def _offered(
    conn: psycopg.Connection, query: str, columns: Sequence[str], since: datetime, before: datetime
) -> pd.DataFrame:
    rows = conn.execute(_SQL[query], {"since": since, "before": before}).fetchall()
    frame = pd.DataFrame(rows, columns=list(columns)).astype({USER_ID: "str", ITEM_ID: "str", RANK: "int16"})
    frame[SHOWN_AT] = pd.to_datetime(frame[SHOWN_AT], utc=True).astype("datetime64[us, UTC]")
    return frame


def encode(impressions: Sequence[Impression]) -> bytes:
    """The rows as binary COPY data for the query `copy` of impressions.sql."""
    return b"".join(pieces(impressions))


def pieces(impressions: Sequence[Impression]) -> Iterator[bytes]:
    """The same a row at a time, for who has something else to do in between."""
    yield _START
    yield from map(_row, impressions)
    yield _END


def _row(impression: Impression) -> bytes:
    features = impression.features
    fields = (
        impression.recommendation_id.bytes,
        None if impression.user_id is None else impression.user_id.encode(),
        _moment(impression.answered_at),
        _moment(impression.as_of),
        struct.pack("!q", impression.release_id),
        impression.variant.encode(),
        impression.scenario.encode(),
        _texts(impression.item_ids),
        arrays.dump(impression.scores, FLOAT4),
        _texts(impression.sources),
        None if features is None else arrays.dump(features.reshape(-1), FLOAT4),
        None if impression.propensities is None else arrays.dump(impression.propensities, FLOAT4),
        bytes([impression.narrowed]),
    )
    parts = [_FIELDS]
    for field in fields:
        parts += (_NULL,) if field is None else (len(field).to_bytes(4, "big"), field)
    return b"".join(parts)


def _moment(moment: datetime) -> bytes:
    return struct.pack("!q", (moment - _POSTGRES_EPOCH) // timedelta(microseconds=1))


def _texts(texts: Sequence[str]) -> bytes:
    """A text[]: as in arrays.py, with elements of differing lengths."""
    if not texts:
        return struct.pack("!iiI", 0, 0, _TEXT_OID)
    parts = [struct.pack("!iiIii", 1, 0, _TEXT_OID, len(texts), 1)]
    for text in texts:
        data = text.encode()
        parts += len(data).to_bytes(4, "big"), data
    return b"".join(parts)
