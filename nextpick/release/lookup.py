"""Read a release from Postgres: into memory, to answer from; and one user's row of it, to answer with."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

from nextpick.errors import BundleError
from nextpick.features.histories import Histories
from nextpick.features.items import ITEM_FEATURES, ItemTable, popularity_order
from nextpick.idmap import IdMap
from nextpick.models.bundle import load_bundle
from nextpick.release.loaded import ListRow, Loaded, Since
from nextpick.store import arrays, lists, sql
from nextpick.store.releases import Release

EVENTS_SINCE = 1000  # the newest events a request looks at; older ones wait for the next release
READ = sql.load("lists")["read"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def load(conn: psycopg.Connection, release: Release) -> Loaded:
    """The release in memory: its bundle, checked against the release's sha256, and its item table.

    A release that another version of NextPick published holds other item features: those its ranker does not read may
    be absent, and are NaN then.

    Raises: BundleError where the bundle is absent or changed, where the release lacks item features that its ranker
    reads, or where the release's items are not the bundle's.
    """
    arrays.register(conn)
    bundle = load_bundle(Path(release.bundle_uri), release.bundle_sha256)
    known = tuple(release.lineage.get("item_features", ITEM_FEATURES))
    if lacks := [name for name in ITEM_FEATURES if f"item_{name}" in bundle.features and name not in known]:
        raise BundleError(
            f"Release {release.release_id} lacks the item features {', '.join(lacks)}, which its ranker reads. "
            "Serve it with the version that published it, or publish again."
        )
    rows = lists.items(conn, release.release_id)
    ids = tuple(str(row[1]) for row in rows)
    if ids != bundle.items.ids:
        raise BundleError(
            f"Release {release.release_id} lists {len(ids)} items that are not the {len(bundle.items)} of its bundle "
            f"{release.bundle_uri}. Publish again."
        )
    table = item_table(rows, known)
    popular, week_ranks = popularity_order(table)
    return Loaded(
        release_id=release.release_id,
        model_version=release.model_version,
        variant=release.variant,
        cutoff=microseconds(release.cutoff),
        bundle=bundle,
        items=bundle.items,
        table=table,
        popular=popular,
        week_ranks=week_ranks,
        charts=lists.charts(conn, release.release_id),
    )


def item_table(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> ItemTable:
    """Of rows of `lists.items`, whose features are those of `names`."""
    stored = np.array([row[5] for row in rows], np.float32).reshape(len(rows), len(names))
    features = np.full((len(rows), len(ITEM_FEATURES)), np.nan, np.float32)
    for column, name in enumerate(ITEM_FEATURES):
        if name in names:
            features[:, column] = stored[:, names.index(name)]
    return ItemTable(
        features=features,
        titles=tuple(row[2] for row in rows),
        categories=tuple(tuple(row[3]) for row in rows),
        prices=np.array([np.nan if row[4] is None else row[4] for row in rows], np.float64),
    )


def hidden_mask(items: IdMap, hidden: frozenset[str]) -> np.ndarray:
    """True for each of `items` that may not be shown."""
    mask = np.zeros(len(items), bool)
    mask[[row for item_id in hidden if (row := items.row(item_id)) is not None]] = True
    return mask


def parameters(loaded: Loaded, user_id: str) -> dict[str, Any]:
    """The parameters of READ for one user."""
    return {
        "release_id": loaded.release_id,
        "user_id": user_id,
        "cutoff": _EPOCH + timedelta(microseconds=loaded.cutoff),
        "kinds": list(loaded.kinds),
        "limit": EVENTS_SINCE,
    }


def parse(loaded: Loaded, row: Sequence[Any]) -> tuple[ListRow | None, Since]:
    """A row of READ, or of `lists.first` without its user, as what `answer` takes. Arrays are numpy's."""
    return _list_row(loaded, row) if row[0] is not None else None, _since(loaded, *row[9:12])


def _list_row(loaded: Loaded, row: Sequence[Any]) -> ListRow:
    item_rows, scores, generator_scores, generator_ranks, rows, counts, weights, first, last = row[:9]
    return ListRow(
        item_rows=item_rows,
        scores=scores,
        generator_scores=generator_scores.reshape(len(item_rows), len(loaded.bundle.generators)),
        generator_ranks=generator_ranks.reshape(len(item_rows), len(loaded.bundle.generators)),
        history=Histories(
            as_of=loaded.cutoff,
            n_items=len(loaded.items),
            indptr=np.array([0, len(rows)], np.int64),
            item_rows=rows,
            counts=counts,
            weights=weights,
            first_at=first,
            last_at=last,
        ),
    )


def _since(
    loaded: Loaded,
    item_ids: Sequence[str] | None = None,
    kinds: Sequence[str] = (),
    occurred_at: np.ndarray | None = None,
) -> Since:
    if not item_ids or occurred_at is None:
        return Since.nothing()
    weights = loaded.kinds
    known = [(row, i) for i, item_id in enumerate(item_ids) if (row := loaded.items.row(item_id)) is not None]
    known.reverse()  # the query gives the newest first
    at = [i for _, i in known]
    return Since(
        item_rows=np.array([row for row, _ in known], np.int32),
        weights=np.array([weights[kinds[i]] for i in at], np.float32),
        occurred_at=occurred_at[at],
    )


def read(conn: psycopg.Connection, loaded: Loaded, user_id: str) -> tuple[ListRow | None, Since]:
    """One user's list and later events, by the same statement the service runs."""
    arrays.register(conn)
    row = conn.cursor(binary=True).execute(READ, parameters(loaded, user_id)).fetchone()
    return (None, Since.nothing()) if row is None else parse(loaded, row)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly: no float on the way."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
