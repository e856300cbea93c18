"""What a release is to be built from: one model version, and what Postgres knows now."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import psycopg

from nextpick.errors import DataError
from nextpick.features.item_pieces import item_table_of
from nextpick.features.items import ITEM_FEATURES
from nextpick.models.bundle import Bundle, load_bundle
from nextpick.release.charts import charts
from nextpick.release.lookup import hidden_mask, microseconds
from nextpick.release.neighbours import nearest
from nextpick.release.precompute import item_rows
from nextpick.release.publish import Draft
from nextpick.schema import ITEM_ID
from nextpick.store import events, items

LATE = timedelta(minutes=15)  # by how much an event may come in after what its stamp says, and still count at once


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


def newest_cutoff(conn: psycopg.Connection) -> datetime:
    """Just after the newest event, though LATE before now at the latest.

    Answers look at events from the cutoff on, so an event that comes in after the lists were made counts at once
    unless it is stamped before that. Raises: DataError where there are no events.
    """
    newest = events.newest(conn)
    if newest is None:
        raise DataError("There are no events, so there is nothing to publish. Load some: `nextpick load EVENTS`.")
    return min(newest + timedelta(microseconds=1), datetime.now(UTC) - LATE)


def draft(
    conn: psycopg.Connection,
    version: ModelVersion,
    *,
    run_id: str,
    cutoff: datetime,
    users_per_block: int,
    bundle_uri: str | None = None,
) -> Draft:
    """Read it, in one snapshot of the database; `conn` is in autocommit mode. `bundle_uri`: where others read the
    bundle; its folder here where that is None.

    Raises: BundleError where the bundle is not the registered one.
    """
    bundle = load_bundle(version.bundle_dir, version.bundle_sha256)
    kinds = tuple(bundle.params.data.kinds)
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        known, catalogue = events.moment(conn), items.read(conn)
        pieces = events.by_item(conn, kinds, cutoff, known)
        table = item_table_of(pieces, catalogue, bundle.items, microseconds(cutoff))
    hidden = hidden_mask(bundle.items, frozenset(catalogue.loc[catalogue["hidden"], ITEM_ID]))
    return Draft(
        run_id=run_id,
        model_version=version.version,
        bundle_uri=bundle_uri or str(version.bundle_dir),
        bundle_sha256=version.bundle_sha256,
        cutoff=cutoff,
        known=known,
        lineage=_lineage(version, bundle),
        kinds=kinds,
        users_per_block=users_per_block,
        items=item_rows(bundle.items, table),
        hidden_rows=np.flatnonzero(hidden).tolist(),
        similar=nearest(bundle),
        charts=[(chart, category, rows.tolist()) for chart, category, rows in charts(table)],
    )


def _lineage(version: ModelVersion, bundle: Bundle) -> dict[str, Any]:
    """What is known of the version, and what those need who read the release without its bundle."""
    return {
        **version.lineage,
        "item_features": list(ITEM_FEATURES),
        "features": list(bundle.features),
        "trained_until": pd.Timestamp(bundle.windows.cutoff, unit="us", tz="UTC").isoformat(),
    }
