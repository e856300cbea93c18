"""Publish a generation: readers see all of it or none of it, and a killed run leaves nothing but work to clean up.

The steps, each a transaction of its own: a row in `releases` (building); the two tables, filled by COPY, indexed
after; attached as partitions and the release marked ready; `live` flipped; the oldest generations dropped. Until the
flip no reader knows the release; a run killed before it is cleaned up by the next one, under the same lock.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import psycopg

from nextpick.errors import DataError, StoreError
from nextpick.release.precompute import ListBlock
from nextpick.store import lists, releases
from nextpick.store.transactions import step_by_step, with_lock_retry

KEEP = 3  # generations held: the live one and two to roll back to


@dataclass(frozen=True)
class Draft:
    """What is to be published, lists apart. `items` are rows of `release_items` without the release's id."""

    model_version: str
    bundle_uri: str
    bundle_sha256: str
    cutoff: datetime
    lineage: Mapping[str, Any]
    items: Sequence[Sequence[object]]


def publish(
    conn: psycopg.Connection,
    draft: Draft,
    blocks: Iterable[ListBlock],
    *,
    flip: bool = True,
    keep: int = KEEP,
    wait_seconds: float = releases.WAIT_SECONDS,
    log: Callable[[str], None] = lambda _: None,
) -> int:
    """Write the generation, make it live, drop the oldest; returns the release's id.

    `blocks` is read once, under the publish lock, so it may compute as it goes. `conn` must be in no transaction;
    it is left as it came. With `flip` False the release ends up ready but not live.

    Raises: DataError where there is no item to publish; StoreError where another publish or a lock is in the way.
    """
    if not draft.items:
        raise DataError("The catalogue of this release is empty, so every answer would be. Load items, train, publish.")
    with step_by_step(conn, "A publish"), releases.publish_lock(conn, wait_seconds):
        clean_up(conn, log)
        release_id = _write(conn, draft, blocks)
        if flip:
            with conn.transaction():
                releases.flip(conn, release_id)
            log(f"release {release_id} is live")
        _retire(conn, keep, log)
    return release_id


def clean_up(conn: psycopg.Connection, log: Callable[[str], None] = lambda _: None) -> None:
    """Remove what killed runs left half-built. The caller holds the publish lock."""
    for release_id in releases.orphans(conn):
        _drop(conn, release_id)
        log(f"removed release {release_id}, which a run left half-built")


def _write(conn: psycopg.Connection, draft: Draft, blocks: Iterable[ListBlock]) -> int:
    release_id = releases.begin(
        conn, draft.model_version, (draft.bundle_uri, draft.bundle_sha256), draft.cutoff, draft.lineage
    )

    def create() -> None:
        with conn.transaction():
            lists.create(conn, release_id)

    with_lock_retry(conn, create, f"create the lists of release {release_id}")
    users = 0
    for block in blocks:
        lists.copy_lists(conn, release_id, block.user_ids, columns(block))
        users += len(block.user_ids)
    lists.copy_items(conn, release_id, draft.items)
    lists.index(conn, release_id)

    def attach() -> None:
        with conn.transaction():
            lists.attach(conn, release_id)
            releases.mark_ready(conn, release_id, users, len(draft.items))

    with_lock_retry(conn, attach, f"attach the lists of release {release_id}")
    return release_id


def columns(block: ListBlock) -> list[lists.Column]:
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
        lists.Column(array, starts, element)
        for (array, starts), element in zip(values, lists.LIST_ELEMENTS, strict=True)
    ]


def _retire(conn: psycopg.Connection, keep: int, log: Callable[[str], None]) -> None:
    """Drop the generations beyond `keep`; one that is locked is left for the next run: the release is live already."""
    for release_id in releases.beyond(conn, keep):
        try:
            _drop(conn, release_id)
        except StoreError as error:
            log(f"release {release_id} stays for now: {error}")
        else:
            log(f"dropped the lists of release {release_id}")


def _drop(conn: psycopg.Connection, release_id: int) -> None:
    with_lock_retry(conn, lambda: lists.drop(conn, release_id), f"drop the lists of release {release_id}")
    releases.mark_dropped(conn, release_id)
