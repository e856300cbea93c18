"""Who made which release live, when and why. Entries are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg

from nextpick.store import sql
from nextpick.store.releases import VARIANT

Action = Literal["publish", "force", "block", "rollback", "split", "unsplit"]
_SQL = sql.load("release_log")


@dataclass(frozen=True)
class Entry:
    """`force` without a release lifts the rejection of a bundle, which the reason names."""

    at: datetime
    who: str
    action: Action
    from_release: int | None
    to_release: int | None
    reason: str


def add(
    conn: psycopg.Connection,
    action: Action,
    *,
    who: str,
    before: int | None = None,
    after: int | None = None,
    reason: str = "",
    variant: str = VARIANT,
) -> None:
    """Add an entry; the caller commits it together with what it tells of."""
    told = {"who": who, "action": action, "variant": variant, "from_release": before, "to_release": after}
    conn.execute(_SQL["add"], {**told, "reason": reason})


def newest(conn: psycopg.Connection, n: int) -> list[Entry]:
    """The n newest entries, newest first."""
    return [Entry(*row) for row in conn.execute(_SQL["newest"], {"n": n})]
