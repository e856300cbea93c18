"""Stage: lists of the champion, or of a version that is named, made live."""

from uuid import uuid4

import psycopg

from nextpick.settings import Settings
from nextpick.store import building
from nextpick.store.transactions import step_by_step


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
        precompute.fill(conn, planned.release_id, *planned.blocks)
        precompute.finish(conn, settings, planned.release_id)
        compare.run(conn, settings, planned.release_id, who=who)
        if flip:
            go_live.run(conn, settings, planned.release_id, who=who, because=because)
        return planned.release_id
