"""Stage: lists for every user from one model version and what Postgres knows now, published as a release."""

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import pandas as pd
import psycopg
import structlog
from rich.progress import track

from nextpick.errors import DataError
from nextpick.features.histories import histories
from nextpick.features.items import ITEM_FEATURES, item_table
from nextpick.idmap import IdMap
from nextpick.models.bundle import Bundle, load_bundle
from nextpick.release.lookup import hidden_mask, microseconds
from nextpick.release.precompute import USERS_PER_BLOCK, Inputs, ListBlock, item_rows, list_blocks
from nextpick.release.publish import Draft, publish
from nextpick.schema import ITEM_ID, KIND, USER_ID
from nextpick.store import events, items, partitions
from nextpick.store.transactions import step_by_step, with_lock_retry

LATE = timedelta(minutes=15)  # by how much an event may come in after what its stamp says, and still count at once
LOG_SECONDS = 10.0  # between progress lines where there is no terminal
log = structlog.get_logger()


class ModelVersion(Protocol):
    """What the registry knows of a model version."""

    @property
    def version(self) -> str: ...
    @property
    def bundle_dir(self) -> Path: ...
    @property
    def bundle_sha256(self) -> str: ...
    @property
    def lineage(self) -> Mapping[str, str]: ...


def run(
    conn: psycopg.Connection,
    version: ModelVersion,
    *,
    cutoff: datetime | None = None,
    flip: bool = True,
) -> int:
    """Publish lists of `version` that know every event before `cutoff`, and return the release's id.

    The cutoff is by default just after the newest event, though LATE before now at the latest: answers look at events
    from the cutoff on, so an event that comes in after the lists were made counts at once unless it is stamped before
    that. `conn` must be in no transaction; each step commits its own.

    Raises: BundleError where the bundle is not the registered one; DataError where there are no events or items;
    StoreError where another publish or a lock is in the way.
    """
    with step_by_step(conn, "A publish"):
        bundle = load_bundle(version.bundle_dir, version.bundle_sha256)
        with conn.transaction():
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cutoff = cutoff or _cutoff(conn)
            inputs = _inputs(conn, bundle, cutoff)
        _make_partitions(conn, datetime.now(UTC))
        draft = Draft(
            model_version=version.version,
            bundle_uri=str(version.bundle_dir),
            bundle_sha256=version.bundle_sha256,
            cutoff=cutoff,
            lineage=_lineage(version, bundle),
            items=item_rows(bundle.items, inputs.table),
        )
        blocks = _with_progress(list_blocks(bundle, inputs), len(inputs.users))
        return publish(conn, draft, blocks, flip=flip, log=log.info)


def _make_partitions(conn: psycopg.Connection, now: datetime) -> None:
    """Those that events and answers go to until long after the next publish."""

    def make() -> None:
        with conn.transaction():
            for table in partitions.KEYS:
                partitions.ensure(conn, table, now)

    with_lock_retry(conn, make, "make the partitions of the coming months")


def _lineage(version: ModelVersion, bundle: Bundle) -> dict[str, Any]:
    """What is known of the version, and what those need who read the release without its bundle."""
    return {
        **version.lineage,
        "item_features": list(ITEM_FEATURES),
        "features": list(bundle.features),
        "trained_until": pd.Timestamp(bundle.windows.cutoff, unit="us", tz="UTC").isoformat(),
    }


def _cutoff(conn: psycopg.Connection) -> datetime:
    newest = events.newest(conn)
    if newest is None:
        raise DataError("There are no events, so there is nothing to publish. Load some: `nextpick load EVENTS`.")
    return min(newest + timedelta(microseconds=1), datetime.now(UTC) - LATE)


def _inputs(conn: psycopg.Connection, bundle: Bundle, cutoff: datetime) -> Inputs:
    """Everything as Postgres has it at the cutoff; users the model never saw come after those it did."""
    kinds = bundle.params.data.kinds
    interactions = events.read(conn, before=cutoff)
    interactions = interactions[interactions[KIND].isin(list(kinds))]
    catalogue = items.read(conn)
    users: IdMap = bundle.users.extended(interactions[USER_ID].unique())
    as_of = microseconds(cutoff)
    return Inputs(
        users=users,
        histories=histories(interactions, users, bundle.items, kinds, as_of),
        table=item_table(interactions, catalogue, bundle.items, as_of),
        hidden=hidden_mask(bundle.items, frozenset(catalogue.loc[catalogue["hidden"], ITEM_ID])),
    )


def _with_progress(blocks: Iterator[ListBlock], users: int) -> Iterator[ListBlock]:
    """The blocks, with a bar on a terminal and a line now and then elsewhere."""
    if sys.stderr.isatty():
        yield from track(blocks, "lists", total=-(-users // USERS_PER_BLOCK))
        return
    done, said = 0, monotonic()
    for block in blocks:
        yield block
        done += len(block.user_ids)
        if monotonic() - said > LOG_SECONDS or done == users:
            log.info("lists computed", users=done, of=users)
            said = monotonic()
