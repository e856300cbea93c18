"""Stage: a release is made live, or refused."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter

import psycopg
import structlog

from nextpick.errors import RegistryError, ReleaseRefused
from nextpick.settings import Settings
from nextpick.stages import split, usable
from nextpick.store import rejections, release_log, releases, standings
from nextpick.store.releases import Release
from nextpick.store.standings import Standing
from nextpick.store.transactions import step_by_step, with_lock_retry

log = structlog.get_logger()


@dataclass(frozen=True)
class Flip:
    """`before` was live (None: nothing), `after` is; the flip took `ms`. `overruled` is what stood against it; `behind`
    says what MLflow could not be told."""

    before: int | None
    after: int
    ms: float
    overruled: tuple[str, ...] = ()
    behind: str = ""


def run(conn: psycopg.Connection, settings: Settings, release_id: int, *, who: str, because: str = "") -> Flip:
    """Make the release live, in one transaction with the entry of `who` did so and why.

    One that the comparison blocked, that was gone back from or whose bundle was, or whose lists are older than the
    live ones, goes live only with `because`; a rejection is lifted by that, and the champion moves with it. One that
    is live already stays so.

    Raises: ReleaseRefused; StoreError where there is no such release, or a lock is in the way.
    """
    with step_by_step(conn, "Going live"):
        standing, live = standings.get(conn, release_id), releases.live(conn)
        if standing.live:
            return Flip(release_id, release_id, 0.0)
        _overruled(standing, live, because)  # here, to ask no more of one that is refused; below, to be sure
        if why := usable.fault(conn, settings, standing):
            raise ReleaseRefused(f"Release {release_id} cannot go live: {why}. `nextpick publish` makes a new one.")
        behind = _championed(settings, standing, because) if standing.rejected else ""
        done: list[Flip] = []

        def flip() -> None:
            with conn.transaction():
                done[:] = [_flip(conn, release_id, who, because.strip())]

        start = perf_counter()
        with_lock_retry(conn, flip, f"make release {release_id} live")
        told = replace(done[0], ms=(perf_counter() - start) * 1000, behind=behind)
    log.info("live", release=release_id, before=told.before, ms=round(told.ms, 1), who=who, because=because or None)
    return told


def told(done: Flip) -> list[str]:
    """What happened, line by line."""
    if done.before == done.after:
        return [f"Release {done.after} is live already."]
    instead = f"instead of release {done.before}" if done.before else "the first"
    return [
        f"Release {done.after} is live, {instead}: {done.ms:.0f} ms.",
        *(f"Overruled: {objection}" for objection in done.overruled),
        *([f"MLflow does not know yet: {done.behind}"] if done.behind else []),
    ]


def _flip(conn: psycopg.Connection, release_id: int, who: str, because: str) -> Flip:
    live = releases.live(conn) if standings.held_live(conn) else None
    standing = standings.held(conn, release_id)
    against = _overruled(standing, live, because)
    if standing.status == "dropped":
        raise ReleaseRefused(f"Release {release_id} has just been dropped. `nextpick publish` makes a new one.")
    if lifted := rejections.lift(conn, standing.bundle_sha256):
        because = f"{because} (lifts the rejection of version {standing.model_version} by {lifted})"
    if standing.status != "ready":
        standings.accept(conn, release_id)
    before = live.release_id if live else None
    releases.flip(conn, release_id)
    split.end_where_same(conn, standing.bundle_sha256, who)
    action: release_log.Action = "force" if against else "publish"
    release_log.add(conn, action, who=who, before=before, after=release_id, reason=because)
    return Flip(before, release_id, 0.0, against)


def _overruled(standing: Standing, live: Release | None, because: str) -> tuple[str, ...]:
    """What stands against the release and is overruled. Raises: ReleaseRefused where there is no reason to."""
    against = objections(standing, live.cutoff if live else None)
    if against and not because.strip():
        raise ReleaseRefused(
            f"Release {standing.release_id} may not go live: {' '.join(against)} What is live stays. "
            f"Whoever knows better says why: nextpick publish --release {standing.release_id} --because WHY"
        )
    return against


def objections(standing: Standing, live_cutoff: datetime | None) -> tuple[str, ...]:
    """What stands against making a release live, in sentences; `live_cutoff` is that of the live one."""
    said = []
    if standing.status == "blocked":
        said += ["The comparison with the live release blocked it.", *standing.reasons]
    if standing.status == "rejected":
        said.append(f"It was gone back from: {' '.join(standing.reasons)}.")
    if standing.rejected:
        said.append(f"Version {standing.model_version} was gone back from: {standing.rejected}.")
    if live_cutoff and standing.cutoff < live_cutoff:
        own, other = (f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" for moment in (standing.cutoff, live_cutoff))
        said.append(f"Its lists are as of {own}, and those of the live release as of {other}.")
    return tuple(said)


def _championed(settings: Settings, standing: Standing, because: str) -> str:
    """Make a rejected version the champion before its rejection is lifted: a crash between is then put right by
    `settle`. Returns what MLflow could not be told."""
    if not because.strip():
        return ""
    from nextpick import registry  # late: importing MLflow costs seconds

    try:
        registry.promote(settings, standing.model_version, force=because)
    except RegistryError as error:
        log.warning("the champion stays what it is", why=str(error))
        return f"{error} Until it is told, the next publish goes by the old champion: nextpick promote " + (
            f"{standing.model_version} --because WHY"
        )
    return ""
