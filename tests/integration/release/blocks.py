"""Lists made by hand: every user of a generation has the same best score, so that a mixture would show."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import psycopg

from nextpick.features.histories import Histories
from nextpick.release import publish
from nextpick.release.list_block import ListBlock
from nextpick.release.publish import Draft
from nextpick.store import blocks, events, releases
from nextpick.store.building import Building

USERS, ITEMS, BLOCK = 40, 5, 10
CUTOFF = datetime(2025, 11, 12, tzinfo=UTC)


def seed(conn: psycopg.Connection) -> None:
    """Events of USERS users, so that there is somebody to plan for; leaves no transaction open."""
    at = pd.Series([CUTOFF - timedelta(hours=1)] * USERS).astype("datetime64[us, UTC]")
    ids = [f"юзер {n}" for n in range(USERS)]
    rows = {"event_id": ids, "user_id": ids, "item_id": "i0", "kind": "purchase", "occurred_at": at, "value": None}
    events.insert(conn, pd.DataFrame(rows))
    conn.commit()


def draft(run_id: str = "command.test", cutoff: datetime = CUTOFF, users_per_block: int = BLOCK) -> Draft:
    """Five items; the first has a title that a careless COPY would break, and the second as its nearest."""
    items = [(n, f"i{n}", "", [], None, [float(n), 0.1]) for n in range(ITEMS)]
    items[0] = (0, "i0", 'a "title", with\ttab', ["c", "d e"], 1.5, [0.0, 0.1])  # type: ignore[list-item]
    return Draft(
        run_id=run_id,
        model_version="v",
        bundle_uri="somewhere",
        bundle_sha256="0" * 64,
        cutoff=cutoff,
        known=datetime.now(UTC) + timedelta(minutes=1),
        lineage={"git_sha": "x"},
        kinds=("purchase",),
        users_per_block=users_per_block,
        items=items,
        hidden_rows=[4],
        similar=(np.array([0, 1, 1, 1, 1, 1]), np.array([1], np.int32), np.array([0.5], np.float32)),
        charts=[("popular", "", [3, 1]), ("popular", "d e", [0])],
    )


def begin(conn: psycopg.Connection, made: Draft, wait_seconds: float = 10.0) -> int:
    """Begin a release, or go on with one, in its turn."""
    conn.autocommit = True
    with publish.turn(conn, made.run_id, wait_seconds) as found:
        going_on = publish.resume(conn, found, made.run_id, made.bundle_sha256, made.cutoff, lambda _: None)
        return going_on or publish.begin(conn, made)


def build(
    conn: psycopg.Connection,
    score: float,
    *,
    made: Draft | None = None,
    flip: bool = True,
    keep: int = 3,
    log: Callable[[str], None] = lambda _: None,
) -> int:
    """A release of lists with that score, live unless told otherwise; returns its id."""
    release_id = begin(conn, made or draft())

    def make(_: Building, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
        yield lists_of(user_ids, score)

    for block in blocks.to_do(conn, release_id):
        publish.fill(conn, release_id, block, make)
    publish.finish(conn, release_id, keep=keep, log=log)
    if flip:
        releases.flip(conn, release_id)
    return release_id


def lists_of(user_ids: Sequence[str], score: float) -> ListBlock:
    """Three items each, scored `score` downwards; user 0 of everything has nothing."""
    has = np.array([not user_id.endswith(" 0") for user_id in user_ids])
    starts = np.concatenate([[0], np.cumsum(np.where(has, 3, 0))]).astype(np.int64)
    n = int(has.sum())
    scores = np.tile(np.array([0, -0.5, -1], np.float32) + np.float32(score), n)
    return ListBlock(
        user_ids=tuple(user_ids),
        starts=starts,
        item_rows=np.tile(np.array([3, 2, 1], np.int32), n),
        scores=scores,
        generator_scores=np.stack([scores, np.full(len(scores), np.nan, np.float32)], axis=1),
        generator_ranks=np.tile(np.array([[0, -1], [1, -1], [2, -1]], np.int16), (n, 1)),
        histories=Histories(
            as_of=4 * 10**15,
            n_items=ITEMS,
            indptr=np.concatenate([[0], np.cumsum(np.where(has, 2, 0))]).astype(np.int64),
            item_rows=np.tile(np.array([1, 4], np.int32), n),
            counts=np.tile(np.array([3, 1], np.int32), n),
            weights=np.tile(np.array([3.5, 1.0], np.float32), n),
            first_at=np.tile(np.array([10**15, 2 * 10**15]), n),
            last_at=np.tile(np.array([3 * 10**15, 2 * 10**15]), n),
        ),
    )
