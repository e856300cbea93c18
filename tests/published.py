"""A world small enough to know by heart, in Postgres: two circles of users, two kinds of goods.

Users tea00..tea11 buy only tea, tool00..tool11 only tools, each some items again and again; nothing else happens.
The last purchase is on 12 November 2025, 18:00 UTC. `nobody` bought nothing.
"""

import shutil
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg

from nextpick.models.bundle import load_bundle, save_bundle
from nextpick.release.publish import finish
from nextpick.stages import precompute
from nextpick.store import events, items, release_log, releases

LAST = datetime(2025, 11, 12, 18, tzinfo=UTC)
DAYS = 120
KINDS = ("tea", "tool")
USERS = tuple(f"{kind}{i:02}" for kind in KINDS for i in range(12))
ITEMS = tuple(f"{kind}-{i:02}" for kind in KINDS for i in range(15))


@dataclass(frozen=True)
class Version:
    """A model version as the registry names it."""

    version: str
    bundle_dir: Path
    bundle_sha256: str
    lineage: dict[str, str] = field(default_factory=dict)


def interactions() -> pd.DataFrame:
    """About 40 purchases a user; lower-numbered items more often, and each user some favourites."""
    rng = np.random.default_rng(7)
    rows = []
    for user in USERS:
        kind = user[:-2]
        taste = rng.permutation(15)
        for _ in range(40):
            item = int(taste[min(int(rng.exponential(3)), 14)])
            at = LAST - timedelta(minutes=int(rng.integers(0, DAYS * 24 * 60)))
            rows.append((user, f"{kind}-{item:02}", at))
    rows.append(("tea00", "tea-00", LAST))
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "occurred_at"])
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], utc=True).astype("datetime64[us, UTC]")
    frame = frame.sort_values(["occurred_at", "user_id", "item_id"], ignore_index=True)
    frame.insert(0, "event_id", [f"e{i}" for i in range(len(frame))])
    frame.insert(3, "kind", "purchase")
    return frame.assign(value=1.0)


def catalogue() -> pd.DataFrame:
    """The 30 items, tea at 3 and tools at 20 the piece."""
    return pd.DataFrame(
        {
            "item_id": list(ITEMS),
            "title": [f"{item.replace('-', ' number ').title()}" for item in ITEMS],
            "categories": [[item.split("-")[0]] for item in ITEMS],
            "price": [3.0 if item.startswith("tea") else 20.0 for item in ITEMS],
            "published_at": pd.Series([LAST - timedelta(days=DAYS)] * len(ITEMS)).astype("datetime64[us, UTC]"),
            "attributes": ["{}"] * len(ITEMS),
        }
    )


def fill(conn: psycopg.Connection) -> None:
    """Put the world into an empty database; the caller commits."""
    items.upsert(conn, catalogue())
    events.insert(conn, interactions())


def publish(
    conn: psycopg.Connection,
    version: Version,
    *,
    flip: bool = True,
    cutoff: datetime | None = None,
    users_per_block: int = 10,
    run_id: str = "command.test",
) -> int:
    """Build a release of the version and make it live whatever it is like; returns its id."""
    planned = precompute.begin(conn, version, run_id=run_id, cutoff=cutoff, users_per_block=users_per_block)
    precompute.fill(conn, planned.release_id, *planned.blocks)
    finish(conn, planned.release_id)
    if flip:
        with conn.transaction():
            releases.flip(conn, planned.release_id)
            release_log.add(conn, "publish", who="a test", after=planned.release_id)
    return planned.release_id


def another_bundle(version: Version, tmp_path: Path) -> Version:
    """The same model under another name: its metrics are others."""
    folder = shutil.copytree(version.bundle_dir.parents[1], tmp_path / "other")
    bundle = load_bundle(version.bundle_dir)
    sha256 = save_bundle(replace(bundle, metrics={**bundle.metrics, "users": 1.0}), folder / "models" / "bundle")
    return replace(version, bundle_dir=folder / "models" / "bundle", bundle_sha256=sha256)
