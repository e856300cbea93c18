"""Who is answered by what: the rows of `live`, the challenger's beside the default one while traffic is split."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from nextpick.store import sql
from nextpick.store.releases import VARIANT

CHALLENGER = "challenger"
_SQL = sql.load("traffic")


@dataclass(frozen=True)
class Live:
    """What a variant's readers see; a challenger in the `shadow` is asked for its share and shown to nobody."""

    variant: str
    share: float
    shadow: bool
    flipped_at: datetime
    release_id: int
    model_version: str
    bundle_sha256: str
    cutoff: datetime
    users: int | None
    items: int | None
    lineage: Mapping[str, Any]
    run_id: str


@dataclass(frozen=True)
class Split:
    """The challenger's release and model; its `share` of users, of whom it answers none where it is in the `shadow`;
    the `salt` that says whose it answers; and since when that release does."""

    release_id: int
    model_version: str
    bundle_sha256: str
    share: float
    shadow: bool
    salt: str
    since: datetime


def live(conn: psycopg.Connection) -> list[Live]:
    """What is live, the default variant first."""
    return conn.cursor(row_factory=class_row(Live)).execute(_SQL["live"]).fetchall()


def read(conn: psycopg.Connection) -> Split | None:
    """The split as it is, or None."""
    row = conn.execute(_SQL["read"], {"variant": CHALLENGER}).fetchone()
    return Split(*row) if row else None


def write(conn: psycopg.Connection, release_id: int, share: float, shadow: bool, salt: str) -> None:
    """Let a release have a share of the users; the caller commits."""
    values = {"variant": CHALLENGER, "default": VARIANT, "release_id": release_id, "share": share}
    conn.execute(_SQL["write"], {**values, "shadow": shadow, "salt": salt})


def end(conn: psycopg.Connection) -> None:
    """All users are the default's again; the caller commits."""
    conn.execute(_SQL["end"], {"variant": CHALLENGER, "default": VARIANT})
