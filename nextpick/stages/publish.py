"""Stage: lists of the champion, or of a version that is named, made live."""

import psycopg

from nextpick import registry
from nextpick.settings import Settings
from nextpick.store import releases
from nextpick.store.transactions import step_by_step


def run(conn: psycopg.Connection, settings: Settings, *, version: str | None = None, flip: bool = True) -> int | None:
    """Publish and return the release's id, or None where no version is named and there is no champion yet.

    Whoever waits for another publish asks afterwards who the champion is, so that no older one goes live after it.

    Raises: RegistryError; BundleError; DataError; StoreError (see `precompute.run`).
    """
    with step_by_step(conn, "A publish"), releases.publish_lock(conn):
        found = registry.get(settings, version) if version else registry.champion(settings)
        if found is None:
            return None
        from nextpick.stages import precompute  # late: it costs seconds, and there may be nothing to do

        return precompute.run(conn, found, flip=flip)
