"""What became of answers, what they showed, and what they were made from: as drift reports ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import psycopg
from psycopg.rows import class_row

from nextpick.schema import ITEM_ID, KIND, OCCURRED_AT, USER_ID
from nextpick.store import arrays, sql

UNSURE = timedelta(seconds=2)  # around an answer: of an event that came in then nobody knows which was first
ANSWER_ID, SINCE, DOUBTFUL = "recommendation_id", "since", "unsure"
_ROWS_AT_ONCE = 1000
_SQL = sql.load("outcomes")


@dataclass(frozen=True)
class Followed:
    """So many answers of a release with one outcome: `relevant` distinct items taken, those at `places` (int32)."""

    release_id: int
    places: np.ndarray
    relevant: int
    answers: int


@dataclass(frozen=True)
class Shown:
    """Answer i is for users[i] (int32, numbered in order, a number for each scenario; -1: nobody known) and showed
    item_rows[starts[i]:starts[i + 1]] (int32; starts int64 (answers + 1,)), whose ids are in `item_ids`."""

    users: np.ndarray
    starts: np.ndarray
    item_rows: np.ndarray
    item_ids: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """An answer from a list; `features` float32 (k * F,)."""

    recommendation_id: UUID
    user_id: str
    answered_at: datetime
    as_of: datetime
    item_ids: list[str]
    sources: list[str]
    features: np.ndarray


@dataclass(frozen=True)
class Made:
    """What a release was made from: the events before `cutoff` that Postgres was told of by `known`, without the items
    of `hidden_rows`. Since then the items of `changed` were, and `erased` says whether users were erased."""

    cutoff: datetime
    known: datetime
    hidden_rows: list[int]
    changed: list[str]
    erased: bool


def followed(
    conn: psycopg.Connection, kinds: Sequence[str], since: datetime, before: datetime, within: timedelta
) -> list[Followed]:
    """What became `within` so much time of the answers of [since, before) to known users, narrowed ones left out."""
    arrays.register(conn)
    values = {"kinds": list(kinds), "since": since, "before": before, "within": within}
    cur = conn.cursor(binary=True, row_factory=class_row(Followed))
    return cur.execute(_SQL["followed"], values).fetchall()


def shown(conn: psycopg.Connection, since: datetime, before: datetime) -> Shown:
    """What the answers of [since, before) showed, narrowed ones left out; read piece by piece: no more than some 4
    bytes a place and the distinct ids are in memory."""
    numbers: dict[str, int] = {}
    users: list[int] = []
    sizes: list[int] = [0]
    parts: list[np.ndarray] = []
    last: tuple[Any, Any] = None, None
    number = -1
    with conn.cursor(binary=True) as cur:
        values = {"since": since, "before": before}
        for user_id, scenario, item_ids in cur.stream(_SQL["shown"], values, size=_ROWS_AT_ONCE):
            if user_id is not None and last != (user_id, scenario):
                last, number = (user_id, scenario), number + 1
            users.append(-1 if user_id is None else number)
            sizes.append(len(item_ids))
            parts.append(np.array([numbers.setdefault(item_id, len(numbers)) for item_id in item_ids], np.int32))
    rows = np.concatenate(parts) if parts else np.empty(0, np.int32)
    return Shown(np.array(users, np.int32), np.cumsum(sizes, dtype=np.int64), rows, tuple(numbers))


def popularity(conn: psycopg.Connection, kinds: Sequence[str], since: datetime, before: datetime) -> dict[str, int]:
    """How often each item was taken in [since, before), by id."""
    values = {"kinds": list(kinds), "since": since, "before": before}
    return dict(conn.execute(_SQL["popularity"], values).fetchall())


def made(conn: psycopg.Connection, release_id: int) -> Made | None:
    """What a release was made from, or None where there is none of that id."""
    row = conn.execute(_SQL["release"], {"release_id": release_id}).fetchone()
    return Made(*row) if row else None


def listed(
    conn: psycopg.Connection, release_id: int, window: tuple[datetime, datetime], source: str, limit: int
) -> list[Listed]:
    """A uniform sample of a release's answers in a window to known users, that have places of `source` and whose
    features were kept; the same one every time."""
    arrays.register(conn)
    cur = conn.cursor(binary=True, row_factory=class_row(Listed))
    since, before = window
    values: Mapping[str, Any] = {
        "release_id": release_id,
        "since": since,
        "before": before,
        "source": source,
        "limit": limit,
    }
    return cur.execute(_SQL["listed"], values).fetchall()


def known(conn: psycopg.Connection, answers: Sequence[Listed], made: Made, kinds: Sequence[str]) -> pd.DataFrame:
    """What each answer knew of its user: ANSWER_ID, USER_ID, ITEM_ID, KIND, OCCURRED_AT, and whether the event is SINCE
    the release's cutoff, and whether it is DOUBTFUL that the answer knew it."""
    values = {
        "ids": [one.recommendation_id for one in answers],
        "user_ids": [one.user_id for one in answers],
        "answered_at": [one.answered_at for one in answers],
        "as_of": [one.as_of for one in answers],
        "cutoff": made.cutoff,
        "known": made.known,
        "kinds": list(kinds),
        "unsure": UNSURE,
    }
    columns = [ANSWER_ID, USER_ID, ITEM_ID, KIND, OCCURRED_AT, SINCE, DOUBTFUL]
    frame = pd.DataFrame(conn.execute(_SQL["known"], values).fetchall(), columns=columns)
    frame[OCCURRED_AT] = pd.to_datetime(frame[OCCURRED_AT], utc=True).astype("datetime64[us, UTC]")
    return frame.astype({SINCE: bool, DOUBTFUL: bool})
