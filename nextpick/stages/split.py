"""Stage: let a challenger answer a share of the users, or be asked in the shadow of the live release; and end that."""

from dataclasses import dataclass
from uuid import uuid4

import psycopg
import structlog

from nextpick.errors import ConfigError, ReleaseRefused
from nextpick.settings import Settings
from nextpick.stages import publish, usable
from nextpick.store import release_log, standings, traffic
from nextpick.store.standings import Standing
from nextpick.store.traffic import Split
from nextpick.store.transactions import step_by_step, with_lock_retry

LEAST = 0.001  # a share, or what it leaves
log = structlog.get_logger()


@dataclass(frozen=True)
class Wanted:
    """`share` of the users, above 0: below 1, or up to 1 in the `shadow`, where the challenger's answers are shown to
    nobody."""

    release_id: int
    share: float
    shadow: bool = False


def from_form(release: str | None, share: float, shadow: bool) -> Wanted | None:
    """What a form asks for: None, the end, for share 0 alone, so that whoever only forgot the number loses no
    experiment. Raises: ConfigError for a share of nobody."""
    if not share:
        return None
    if not release:
        raise ConfigError(
            f"A share of {share:g} was asked for, and no release: name the challenger, also to change the share of "
            "the one there is. To end the split, give the share 0."
        )
    return Wanted(int(release), share, shadow)


def run(conn: psycopg.Connection, settings: Settings, wanted: Wanted, *, who: str, because: str) -> Split:
    """Split the traffic, in one transaction with the entry of who did so and why. Where the same model is the
    challenger already, users stay where they are, but for those that another share moves.

    Raises: ConfigError for a share that is none, or no reason; ReleaseRefused where something stands against the
    release; StoreError where there is no such release, or a lock is in the way.
    """
    _checked(wanted, because)
    with step_by_step(conn, "Splitting the traffic"):
        standing = standings.get(conn, wanted.release_id)
        _refuse(conn, standing)
        if why := usable.fault(conn, settings, standing):
            raise ReleaseRefused(f"Release {wanted.release_id} cannot be served: {why}. `nextpick publish` makes one.")

        def write() -> None:
            with conn.transaction():
                standings.held_live(conn)
                _refuse(conn, standings.held(conn, wanted.release_id))
                _write(conn, standing, wanted, who, because.strip())

        with_lock_retry(conn, write, "split the traffic")
        found = traffic.read(conn)
    assert found is not None  # noqa: S101 - it has just been written
    log.info("traffic split", release=found.release_id, share=found.share, shadow=found.shadow, who=who)
    return found


def end(conn: psycopg.Connection, *, who: str, because: str) -> Split | None:
    """Give all users to the live release again; returns the split that was, None where there was none."""
    with step_by_step(conn, "Ending the split"), conn.transaction():
        standings.held_live(conn)
        split = traffic.read(conn)
        if split is not None:
            _end(conn, split, who, because)
    return split


def ask(conn: psycopg.Connection, settings: Settings, wanted: Wanted | None, *, who: str, because: str) -> list[str]:
    """As `run`, or as `end` where nothing is wanted; what is so then, line by line."""
    if wanted is not None:
        return told(run(conn, settings, wanted, who=who, because=because))
    ended = end(conn, who=who, because=because)
    return [f"Release {ended.release_id} is no challenger any more." if ended else "Traffic is not split."]


def end_where_same(conn: psycopg.Connection, bundle_sha256: str, who: str) -> None:
    """End the split where the challenger's bundle is the one that goes live; within the caller's transaction."""
    split = traffic.read(conn)
    if split is not None and split.bundle_sha256 == bundle_sha256:
        _end(conn, split, who, "its model is live")


def refresh(conn: psycopg.Connection, settings: Settings, *, run_id: str, who: str) -> int | None:
    """Give the challenger lists as fresh as the live ones: a comparison with older lists would be none. Returns its new
    release, None where there is no challenger.

    Raises: as `publish.run`; then the challenger goes on with the lists it has.
    """
    split = traffic.read(conn)
    conn.rollback()
    if split is None:
        return None
    release_id = publish.run(conn, settings, version=split.model_version, flip=False, run_id=run_id, who=who)
    with step_by_step(conn, "Refreshing the challenger"), conn.transaction():
        standings.held_live(conn)
        now = traffic.read(conn)
        if now is None or now.bundle_sha256 != split.bundle_sha256 or release_id is None:
            return None  # it was ended, or another was put in its place meanwhile
        if any(one.live and one.bundle_sha256 == now.bundle_sha256 for one in standings.newest(conn, 1)):
            _end(conn, now, who, "its model is live")  # made so by a version that knows no split
            return None
        standing, before = standings.held(conn, release_id), standings.get(conn, now.release_id)
        if standing.status not in ("ready", before.status):  # one that was let in blocked may stay so
            why = " ".join(standing.reasons)
            raise ReleaseRefused(f"Release {release_id} is {standing.status}: {why} The challenger keeps its lists.")
        traffic.write(conn, release_id, now.share, now.shadow, now.salt)
    log.info("challenger refreshed", before=split.release_id, release=release_id)
    return release_id


def told(split: Split) -> list[str]:
    """What is so now, line by line."""
    share = f"{100 * split.share:.4g}%"
    whose = f"asked for {share} of the users and shown to none" if split.shadow else f"answers {share} of the users"
    return [
        f"Release {split.release_id} (model version {split.model_version}) is the challenger: {whose}.",
        "How it does: `nextpick kpis`. The nightly precompute keeps its lists fresh. To end it: nextpick split --off",
    ]


def _checked(wanted: Wanted, because: str) -> None:
    if not because.strip():
        raise ConfigError("The reason is empty. Say why, for those who come after you: --because WHY.")
    if not (LEAST <= wanted.share <= 1 - LEAST or (wanted.shadow and wanted.share == 1)):
        most = "to 1" if wanted.shadow else f"to {1 - LEAST:g}; to give it all users, publish it"
        raise ConfigError(f"The share is {wanted.share:g}, and must be {LEAST:g} {most}.")


def _refuse(conn: psycopg.Connection, standing: Standing) -> None:
    """Raises: ReleaseRefused where the release can be nobody's challenger."""
    live = next((one for one in standings.newest(conn, 1) if one.live), None)
    said = ""
    if live is None:
        said = "no release is live that it could be held against: `nextpick publish`"
    elif standing.release_id == live.release_id:
        said = "it is live"
    elif standing.bundle_sha256 == live.bundle_sha256:
        said = f"it has the same model as the live release, version {live.model_version}: there is nothing to compare"
    elif standing.rejected:
        said = f"its version {standing.model_version} was gone back from: {standing.rejected}"
    elif standing.status not in ("ready", "blocked"):  # what the comparison says is overruled by a reason
        said = f"it is {standing.status}" + (f": {' '.join(standing.reasons)}" if standing.reasons else "")
    if said:
        raise ReleaseRefused(f"Release {standing.release_id} cannot be the challenger: {said.rstrip('.')}.")


def _write(conn: psycopg.Connection, standing: Standing, wanted: Wanted, who: str, because: str) -> None:
    before = traffic.read(conn)
    same = before is not None and before.bundle_sha256 == standing.bundle_sha256
    salt = before.salt if before is not None and same else uuid4().hex
    traffic.write(conn, wanted.release_id, wanted.share, wanted.shadow, salt)
    how = f"{'shadow of ' if wanted.shadow else ''}{wanted.share:g}: {because}"
    left = before.release_id if before else None
    after = wanted.release_id
    release_log.add(conn, "split", who=who, before=left, after=after, reason=how, variant=traffic.CHALLENGER)


def _end(conn: psycopg.Connection, split: Split, who: str, because: str) -> None:
    traffic.end(conn)
    before = split.release_id
    release_log.add(conn, "unsplit", who=who, before=before, reason=because, variant=traffic.CHALLENGER)
