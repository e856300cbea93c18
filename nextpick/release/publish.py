"""Build a generation of lists: begun, filled block by block, finished. Nobody reads it before it is made live.

Each step is a transaction, or may be done again: `begin` adds a row to `releases` with its blocks of users, and makes
two tables that are attached to nothing; `fill` writes one block's lists and marks it done; `finish` indexes, attaches
and marks the release ready, then drops the oldest generations. A run that is killed leaves a half-built release: the
same run goes on with it, and so does one that would build the same; any other gives it up.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Any

import numpy as np
import psycopg

from nextpick.errors import DataError, StoreError
from nextpick.release.list_block import ListBlock
from nextpick.store import blocks, building, lists, releases, standings
from nextpick.store.building import Building
from nextpick.store.list_rows import Column
from nextpick.store.transactions import room, step_by_step, with_lock_retry

POLL_SECONDS = 2.0
Log = Callable[[str], None]


@dataclass(frozen=True)
class Draft:
    """What is to be built, lists apart.

    `items` are rows of `release_items` without the release's id, `hidden_rows` those that no list may have; `known` is
    the moment of what Postgres knew when they were read; `similar` is (starts, rows, scores) as `neighbours.nearest`
    gives them, and `charts` what `charts.charts` gives.
    """

    run_id: str
    model_version: str
    bundle_uri: str
    bundle_sha256: str
    cutoff: datetime
    known: datetime
    lineage: Mapping[str, Any]
    kinds: Sequence[str]
    users_per_block: int
    items: Sequence[Sequence[object]]
    hidden_rows: Sequence[int]
    similar: tuple[np.ndarray, np.ndarray, np.ndarray]
    charts: Sequence[tuple[str, str, Sequence[int]]]


@contextmanager
def turn(
    conn: psycopg.Connection, run_id: str, wait_seconds: float = releases.WAIT_SECONDS
) -> Iterator[list[Building]]:
    """Hold the publish lock, with nobody building anything but `run_id`; gives the half-built releases there are.

    Those are `run_id`'s own, of an earlier try, or a dead run's. `conn` is in autocommit mode.

    Raises: StoreError, naming who is in the way, after `wait_seconds`.
    """
    end = monotonic() + wait_seconds
    while True:
        with releases.publish_lock(conn, max(end - monotonic(), 0.001)):
            found = building.half_built(conn)
            busy = [release for release in found if release.run_id != run_id and building.is_alive(conn, release)]
            if not busy:
                yield found
                return
        if monotonic() > end:
            raise StoreError(
                f"Another run, {busy[0].run_id}, is building release {busy[0].release_id}, and was at it "
                f"{busy[0].idle_seconds:.0f} s ago; waited {wait_seconds:g} s for it. Let it finish and publish again: "
                f"a run that is dead is taken over once it was idle for {building.IDLE_SECONDS:g} s."
            )
        sleep(POLL_SECONDS)


def resume(
    conn: psycopg.Connection, found: Sequence[Building], run_id: str, bundle_sha256: str, cutoff: datetime, log: Log
) -> int | None:
    """Of the half-built releases the one to go on with, its id, or None; the others are given up.

    It is of the same bundle, and begun by the same run or as of the same cutoff. The caller's is the turn.

    Raises: StoreError where one cannot be given up, as somebody still fills it.
    """
    fitting = [r for r in found if r.bundle_sha256 == bundle_sha256 and (r.run_id == run_id or r.cutoff == cutoff)]
    for release in found:
        if release not in fitting[-1:]:
            give_up(conn, release.release_id)
            log(f"gave up release {release.release_id}, which {release.run_id or 'a run'} left half-built")
    if not fitting:
        return None
    building.adopt(conn, fitting[-1].release_id, run_id)
    log(f"going on with release {fitting[-1].release_id}")
    return fitting[-1].release_id


def give_up(conn: psycopg.Connection, release_id: int) -> None:
    """Remove a half-built release, in one transaction. Raises: StoreError where somebody fills it meanwhile."""

    def remove() -> None:
        with conn.transaction():
            building.seize(conn, release_id)
            lists.drop_tables(conn, release_id)
            blocks.forget(conn, release_id)
            building.give_up(conn, release_id)

    with_lock_retry(conn, remove, f"give up release {release_id}")


def begin(conn: psycopg.Connection, draft: Draft) -> int:
    """Add the release, its tables, items and blocks, all in one transaction; returns its id.

    Raises: DataError where there is no item to publish; StoreError where a lock is in the way or the disk is full.
    """
    if not draft.items:
        raise DataError("The catalogue of this release is empty, so every answer would be. Load items, train, publish.")
    begun: list[int] = []

    def add() -> None:
        with conn.transaction():
            begun[:] = [_begin(conn, draft)]

    with step_by_step(conn, "A publish"), room("a new release is not built"):
        with_lock_retry(conn, add, "create the tables of a new release")
    return begun[0]


def _begin(conn: psycopg.Connection, draft: Draft) -> int:
    bundle, moments = (draft.bundle_uri, draft.bundle_sha256), (draft.cutoff, draft.known)
    release_id = building.begin(
        conn, draft.run_id, draft.model_version, bundle, moments, draft.lineage, draft.hidden_rows
    )
    lists.create(conn, release_id)
    lists.copy_items(conn, release_id, draft.items)
    starts, rows, scores = draft.similar
    values = zip((rows, scores), lists.SIMILAR_ELEMENTS, strict=True)
    lists.copy_similar(conn, release_id, [Column(array, starts, element) for array, element in values])
    lists.copy_charts(conn, release_id, draft.charts)
    blocks.plan(conn, release_id, draft.kinds, moments, draft.users_per_block)
    building.touch(conn, release_id)  # what all this took is no idleness
    return release_id


def fill(
    conn: psycopg.Connection,
    release_id: int,
    block: int,
    make: Callable[[Building, tuple[str, ...]], Iterable[ListBlock]],
) -> bool:
    """Write the lists of one block, all or none; False where they are there already.

    `make` reads what it needs when it is called, as `conn` is then busy; its lists may be computed as they are taken.

    Raises: StoreError where the release was given up, another process fills the block, lists are missing, or the disk
    is full.
    """
    with step_by_step(conn, "A block"), room(f"release {release_id} is not built"), conn.transaction():
        release = building.hold(conn, release_id)
        users = None if release.whole else blocks.take(conn, release_id, block, release.known)
        if users is None:
            return False
        made = make(release, users) if users else ()
        copied = lists.copy_lists(conn, release_id, ((part.user_ids, columns(part)) for part in made))
        if copied != len(users):
            raise StoreError(
                f"Block {block} of release {release_id} has {len(users)} users, and {copied} lists were made for them: "
                "it is not written. That is a fault of NextPick's: report it. What was live stays live."
            )
        blocks.done(conn, release_id, block)
        building.touch(conn, release_id)
    return True


def finish(conn: psycopg.Connection, release_id: int, *, keep: int = 3, log: Log = lambda _: None) -> None:
    """Index and attach the lists, mark the release ready, and drop the generations beyond the newest `keep`.

    Where the release is whole only the last is done.

    Raises: StoreError where blocks are not done, the release was given up, a lock is in the way or the disk is full.
    """
    with step_by_step(conn, "A publish"), releases.publish_lock(conn), room(f"release {release_id} is not built"):
        with conn.transaction():
            release = building.hold(conn, release_id)
        if not release.whole:
            if undone := blocks.to_do(conn, release_id):
                named = ", ".join(map(str, list(undone)[:10]))
                raise StoreError(
                    f"{len(undone)} blocks of release {release_id} are not done: {named}. Fill them first."
                )
            lists.index(conn, release_id)
            lists.without_erased(conn, release_id, release.known)
            _attach(conn, release_id)
        _retire(conn, keep, log)


def _attach(conn: psycopg.Connection, release_id: int) -> None:
    users, items = lists.count(conn, release_id)
    size = lists.size(conn, release_id)

    def attach() -> None:
        with conn.transaction():
            lists.attach(conn, release_id)
            blocks.forget(conn, release_id)
            building.mark_ready(conn, release_id, users, items, size)

    with_lock_retry(conn, attach, f"attach the lists of release {release_id}")


def columns(block: ListBlock) -> list[Column]:
    """The array columns of `lists` for one block, in the table's order."""
    generators = block.generator_scores.shape[1]
    history = block.histories
    values: list[tuple[np.ndarray, np.ndarray]] = [
        (block.item_rows, block.starts),
        (block.scores, block.starts),
        (block.generator_scores.reshape(-1), block.starts * generators),
        (block.generator_ranks.reshape(-1), block.starts * generators),
        (history.item_rows, history.indptr),
        (history.counts, history.indptr),
        (history.weights, history.indptr),
        (history.first_at, history.indptr),
        (history.last_at, history.indptr),
    ]
    return [
        Column(array, starts, element) for (array, starts), element in zip(values, lists.LIST_ELEMENTS, strict=True)
    ]


def _retire(conn: psycopg.Connection, keep: int, log: Log) -> None:
    """Drop the generations beyond `keep`; one that is locked is left for the next run: the new one is whole already."""
    for release_id in releases.beyond(conn, keep):
        try:
            drop(conn, release_id)
        except StoreError as error:
            log(f"release {release_id} stays for now: {error}")
        else:
            log(f"dropped the lists of release {release_id}")


def drop(conn: psycopg.Connection, release_id: int) -> None:
    """Remove the lists and items of a whole release, marked as dropped first: from then on nobody goes back to it. What
    a killed run leaves of it is removed by the next.

    Raises: StoreError where it has just been made live, or a lock is in the way.
    """
    with conn.transaction():
        standings.held(conn, release_id)
        if releases.is_live(conn, release_id):
            raise StoreError(f"Release {release_id} has just been made live, so its lists stay.")
        releases.mark_dropped(conn, release_id)
    with_lock_retry(conn, lambda: lists.drop(conn, release_id), f"drop the lists of release {release_id}")
