"""A user's list as it was computed for all, beside what the user would be answered now.

The answer is computed here as the service does it, from the bundle of the release that answers this user. One release
is kept in memory, and one request at a time works with it, so that a process of Airflow's holds one bundle at most.
"""

from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from nextpick_airflow import home_page
from nextpick_airflow.inspector import Odd

if TYPE_CHECKING:
    from psycopg import Connection

    from nextpick.release.loaded import Loaded
    from nextpick.store.inspect import Place
    from nextpick.store.releases import Release

SHOWN = 20  # places
MOST_BYTES = 500_000_000  # of a bundle that is read into a process of Airflow's
WAIT_SECONDS = 15.0  # for others who look at lists
_alone, _kept = Lock(), dict[tuple[str, int, str], "Loaded"]()


class Now(NamedTuple):
    """A place of the answer; `was` is its place in the list, None where it was not among the first."""

    item_id: str
    title: str
    score: float
    source: str
    reason: str
    was: int | None


def of(user_id: str) -> dict[str, Any]:
    """Both, or of the answer why there is none."""
    from nextpick.errors import BundleError
    from nextpick.store import inspect

    with home_page.database() as conn:
        live = _answering(conn, user_id)
        listed = inspect.listed(conn, live.release_id, user_id) if live else []
    answered: list[Now] = []
    why, since = "", None
    try:
        if live:
            answered, since = _answered(live, user_id, listed)
    except BundleError as error:
        why = str(error)
    places = {now.item_id: place for place, now in enumerate(answered, 1)}
    return {"live": live, "listed": listed[:SHOWN], "answered": answered, "places": places, "why": why, "since": since}


def _answering(conn: "Connection", user_id: str) -> "Release | None":
    """The release that answers this user: the challenger's, where traffic is split and the user is among its share."""
    from nextpick.release.arm import is_challengers
    from nextpick.store import releases, traffic

    split = traffic.read(conn)
    theirs = split is not None and not split.shadow and is_challengers(user_id, split.salt, split.share)
    return releases.live(conn, traffic.CHALLENGER if theirs else releases.VARIANT)


def _answered(live: "Release", user_id: str, listed: "list[Place]") -> tuple[list[Now], int]:
    """The places, and how many events since the list's cutoff are heeded in them.

    Raises: BundleError where the bundle is gone, or too large to be read here; Odd where others take too long.
    """
    from nextpick.release import lookup
    from nextpick.release.answer import answer, reasons
    from nextpick.release.wanted import Wanted
    from nextpick.settings import load_settings
    from nextpick.stages import usable
    from nextpick.store import lists

    if not _alone.acquire(timeout=WAIT_SECONDS):
        raise Odd("Others are looking at lists just now. Load the page again in a while.", 503)
    try:
        folder = usable.place(load_settings(), live)  # may take long: before a transaction begins
        with home_page.database() as conn:
            loaded = _loaded(conn, live, folder)
            row, since = lookup.read(conn, loaded, user_id)
            hidden = lookup.hidden_mask(loaded.items, lists.hidden(conn))
        found = answer(loaded, row, since, Wanted.plain(loaded, SHOWN), hidden)
        why = reasons(loaded, found)
    finally:
        _alone.release()
    slots, was = found.slots, {place.item_id: place.place for place in listed}
    now = [
        Now(item_id, loaded.table.titles[at], float(slots.scores[i]), slots.sources[i], why[i], was.get(item_id))
        for i, at in enumerate(slots.item_rows.tolist())
        for item_id in [loaded.items.ids[at]]
    ]
    return now, len(since.item_rows)


def _loaded(conn: "Connection", live: "Release", folder: Path) -> "Loaded":
    """The release in memory; another one is forgotten first."""
    from nextpick.errors import BundleError
    from nextpick.release import lookup
    from nextpick.settings import load_settings

    key = (load_settings().database(), live.release_id, live.bundle_sha256)
    if key not in _kept:
        if folder.is_dir() and (size := sum(file.stat().st_size for file in folder.iterdir())) > MOST_BYTES:
            raise BundleError(
                f"The bundle has {size / 1e6:,.0f} MB, and no more than {MOST_BYTES / 1e6:,.0f} are read into a "
                "process of Airflow's. `nextpick recommend USER` computes the same answer elsewhere."
            )
        _kept.clear()
        _kept[key] = lookup.load(conn, replace(live, bundle_uri=str(folder)))
    return _kept[key]
