"""A shop made up at random, as large as the sample's, and a model of it with a ranker of the size that is asked for.

Everything else is real: the generators of params.yaml fitted on the shop's purchases, their pool, every feature, lists
that `precompute` makes, and users who bought something after them.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg

from nextpick.data.split import windows
from nextpick.features.histories import Histories, histories
from nextpick.features.items import ItemTable, item_table
from nextpick.features.pair import Pool, feature_names, pair_features
from nextpick.idmap import IdMap
from nextpick.models import candidates, ranker
from nextpick.models.bundle import Bundle, save_bundle
from nextpick.models.examples import Examples
from nextpick.models.pool import build_pool
from nextpick.models.ranker import Ranker
from nextpick.params import Params, load_params
from nextpick.release.publish import finish
from nextpick.stages import precompute
from nextpick.store import events, items, release_log, releases

USERS, ITEMS, EVENTS, DAYS, CATEGORIES = 1000, 3000, 60_000, 180, 40
TREES, LEAVES = 200, 31
SINCE = 3  # purchases of every other user that the lists do not know
CUTOFF = datetime(2025, 11, 12, tzinfo=UTC)
_AT = int(CUTOFF.timestamp()) * 1_000_000
_PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"
_KIND = {"purchase": 1.0}


@dataclass(frozen=True)
class Shop:
    """Its purchases (EVENT_COLUMNS) and catalogue (ITEM_COLUMNS); `own` and `table` know what was before CUTOFF."""

    purchases: pd.DataFrame
    catalogue: pd.DataFrame
    users: IdMap
    items: IdMap
    own: Histories
    table: ItemTable


@dataclass(frozen=True)
class Version:
    """The model as the registry would name it."""

    version: str
    bundle_dir: Path
    bundle_sha256: str
    lineage: dict[str, str] = field(default_factory=dict)


def shop(seed: int = 7) -> Shop:
    """Few items are bought often, and every user has a taste for some categories and a few items of their own."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, USERS, EVENTS)
    rare = np.minimum(rng.exponential(ITEMS / 8, EVENTS), ITEMS - 1).astype(np.int64)
    again = rng.integers(0, 12, EVENTS)
    item = np.where(rng.random(EVENTS) < 0.4, (user * 37 + again * again * 11) % ITEMS, rare)
    at = CUTOFF - pd.to_timedelta(rng.integers(1, DAYS * 86_400, EVENTS), unit="s")
    late_user = np.repeat(np.arange(0, USERS, 2), SINCE)
    late_at = CUTOFF + pd.to_timedelta(rng.integers(1, 7200, len(late_user)), unit="s")
    purchases = _purchases(
        np.append(user, late_user),
        np.append(item, rng.integers(0, ITEMS, len(late_user))),
        pd.Series(at).tolist() + pd.Series(late_at).tolist(),
    )
    catalogue = _catalogue(rng)
    users, all_items = IdMap.fit(purchases["user_id"]), IdMap.fit(catalogue["item_id"])
    own = histories(purchases, users, all_items, _KIND, _AT)
    table = item_table(purchases, catalogue, all_items, _AT)
    return Shop(purchases, catalogue, users, all_items, own, table)


def _purchases(user: np.ndarray, item: np.ndarray, at: list[pd.Timestamp]) -> pd.DataFrame:
    frame = pd.DataFrame({"user_id": [f"user{u:05}" for u in user], "item_id": [f"item{i:05}" for i in item]})
    frame["kind"] = "purchase"
    frame["occurred_at"] = pd.to_datetime(pd.Series(at), utc=True).astype("datetime64[us, UTC]")
    frame = frame.sort_values(["occurred_at", "user_id", "item_id"], ignore_index=True).assign(value=1.0)
    frame.insert(0, "event_id", [f"e{i}" for i in range(len(frame))])
    return frame


def _catalogue(rng: np.random.Generator) -> pd.DataFrame:
    published = CUTOFF - pd.to_timedelta(rng.integers(1, 400, ITEMS), unit="D")
    return pd.DataFrame(
        {
            "item_id": [f"item{i:05}" for i in range(ITEMS)],
            "title": [f"A thing for the house, number {i}" for i in range(ITEMS)],
            "categories": [["all", f"kind {i % CATEGORIES}"] for i in range(ITEMS)],
            "price": np.round(rng.lognormal(1, 1, ITEMS), 2) + 0.1,
            "published_at": pd.Series(published).astype("datetime64[us, UTC]"),
            "attributes": ["{}"] * ITEMS,
        }
    )


def params(size: int) -> Params:
    """The project's, with lists of `size` items."""
    known = load_params(_PARAMS)
    return known.model_copy(
        update={
            "pool": {name: max(n, size) for name, n in known.pool.items()},
            "lists": known.lists.model_copy(update={"size": size}),
            "ranker": known.ranker.model_copy(update={"leaves": LEAVES, "min_child_samples": 20}),
        }
    )


def bundle(shop: Shop, size: int) -> Bundle:
    """A model of the shop. Its ranker has learnt next to nothing, by TREES trees of LEAVES leaves."""
    chosen = params(size)
    fitted = candidates.fit(shop.own, chosen)
    rows = np.arange(0, len(shop.users), 4, dtype=np.int32)  # enough of them for so many trees
    pool = build_pool(fitted, dict(chosen.pool), rows, shop.own, "allow")
    return Bundle(
        users=shop.users,
        items=shop.items,
        table=shop.table,
        generators=fitted,
        ranker=trained(pool, pair_features(pool, shop.own, shop.table, shop.own.as_of), chosen),
        params=chosen,
        windows=windows(shop.purchases, chosen.split),
        metrics={},
        data_md5="0" * 32,
    )


def trained(pool: Pool, features: np.ndarray, chosen: Params) -> Ranker:
    """A ranker of the wanted size: labels are half chance, half popularity, so that every tree finds splits."""
    rng = np.random.default_rng(1)
    wanted = np.nan_to_num(features[:, 0]) + rng.gumbel(size=len(features))
    labels = (wanted > np.quantile(wanted, 0.9)).astype(np.int8)
    sizes = np.unique(pool.user_rows, return_counts=True)[1]
    names = feature_names(pool.generators)
    return ranker.train(Examples(features, labels, sizes), names, chosen, trees=TREES)


def published(conn: psycopg.Connection, shop: Shop, model: Bundle, folder: Path) -> int:
    """The shop in an empty, migrated database, and a live release of the model, whose bundle is in `folder`; its id."""
    items.upsert(conn, shop.catalogue)
    events.insert(conn, shop.purchases)
    conn.commit()
    release_id = _computed(conn, "1", folder, save_bundle(model, folder))
    with conn.transaction():
        releases.flip(conn, release_id)
        release_log.add(conn, "publish", who="a benchmark", before=None, after=release_id, reason="")
    return release_id


def another(conn: psycopg.Connection, release_id: int) -> int:
    """One more release, of the same bundle under another version, which is not live yet; its id."""
    stored = releases.get(conn, release_id)
    conn.commit()
    return _computed(conn, "2", Path(stored.bundle_uri), stored.bundle_sha256)


def _computed(conn: psycopg.Connection, version: str, folder: Path, sha256: str) -> int:
    named = Version(version, folder, sha256, {"data_md5": "0" * 32, "git_sha": "f" * 40})
    planned = precompute.begin(conn, named, run_id=f"command.benchmark.{version}", cutoff=CUTOFF)
    precompute.fill(conn, planned.release_id, *planned.blocks)
    finish(conn, planned.release_id)
    return planned.release_id


def resized(model: Bundle, size: int) -> Bundle:
    """The same model, for lists of `size`."""
    return replace(model, params=params(size))
