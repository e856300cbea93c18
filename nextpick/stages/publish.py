"""Stage: lists of the champion, or of a version that is named, made live."""

from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg

from nextpick.settings import Settings
from nextpick.stages import progress
from nextpick.store import building, standings
from nextpick.store.transactions import step_by_step

if TYPE_CHECKING:
    from nextpick.stages.go_live import Flip


def run(
    conn: psycopg.Connection,
    settings: Settings,
    *,
    version: str | None = None,
    flip: bool = True,
    run_id: str = "",
    who: str = "nextpick",
    because: str = "",
) -> int | None:
    """Build a release, compare it, make it live, and return its id; None where no version is named and there is no
    champion yet.

    All in one process, under the publish lock: whoever waits for it goes by what is true afterwards.

    Raises: ReleaseRefused where it changes too much, or its bundle was gone back from, and `because` is empty;
    RegistryError; BundleError; DataError; StoreError (see `precompute.begin`).
    """
    from nextpick.release import publish
    from nextpick.stages import compare, go_live, precompute

    run_id = f"{building.ALONE}{run_id or uuid4()}"
    with step_by_step(conn, "A publish"), publish.turn(conn, run_id):
        planned = precompute.plan(conn, settings, version=version, run_id=run_id)
        if planned is None:
            return None
        if not flip:
            _warn_where_live(conn, planned.release_id)
        precompute.fill(conn, planned.release_id, *planned.blocks, cache=settings.bundle_cache_folder)
        precompute.finish(conn, settings, planned.release_id)
        compare.run(conn, settings, planned.release_id, who=who)
        if flip:
            go_live.run(conn, settings, planned.release_id, who=who, because=because)
        return planned.release_id


def _warn_where_live(conn: psycopg.Connection, release_id: int) -> None:
    """Lists that nobody is to see of a model that everybody sees may be a mistake, and take minutes."""
    made = standings.get(conn, release_id)
    live = next((one for one in standings.newest(conn, 1) if one.live), None)
    if live is not None and live.bundle_sha256 == made.bundle_sha256:
        progress.say(
            f"Model version {live.model_version} is live already, by release {live.release_id}. This makes fresh lists "
            f"of it that nobody sees before `nextpick publish --release {release_id}`. Ctrl-C, if that is not meant."
        )


def again(conn: psycopg.Connection, settings: Settings, release_id: int, *, who: str, because: str = "") -> "Flip":
    """Make a release live that is there already: compared with what is live now, whatever it was compared with before.

    Raises: ReleaseRefused where something stands against it and `because` is empty; StoreError (see `go_live.run`).
    """
    from nextpick.stages import compare, go_live

    with step_by_step(conn, "A publish"):
        standing = standings.get(conn, release_id)
        if not standing.live and standing.there and standing.status in ("ready", "blocked"):
            compare.run(conn, settings, release_id, who=who)
        return go_live.run(conn, settings, release_id, who=who, because=because)
