"""Stage: one user's answer from the live release, by the very code the service answers with; nothing is logged."""

from dataclasses import replace

import psycopg

from nextpick.errors import StoreError
from nextpick.release import lookup
from nextpick.release.answer import Answer, answer
from nextpick.release.loaded import Loaded
from nextpick.release.wanted import Wanted
from nextpick.settings import Settings
from nextpick.stages import usable
from nextpick.store import lists, releases


def run(conn: psycopg.Connection, settings: Settings, user_id: str, k: int) -> tuple[Loaded, Answer]:
    """The release and the k best items for the user as of now.

    Raises: StoreError where no release is live; BundleError where its bundle cannot be used here.
    """
    live = releases.live(conn)
    if live is None:
        raise StoreError("No release is live yet. Train and publish one: `nextpick train`, then `nextpick publish`.")
    loaded = lookup.load(conn, replace(live, bundle_uri=str(usable.place(settings, live))))
    hidden = lookup.hidden_mask(loaded.items, lists.hidden(conn))
    row, since = lookup.read(conn, loaded, user_id)
    return loaded, answer(loaded, row, since, Wanted.plain(loaded, k), hidden)
