"""Stage: go back to an earlier release. Model, lists, items and features go back together, as a release is all of them.

Postgres decides, in one transaction; MLflow follows, and where it is away now the next publish tells it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from time import perf_counter

import psycopg
import structlog

from nextpick.errors import ConfigError, RegistryError, ReleaseRefused, StoreError
from nextpick.settings import Settings
from nextpick.stages import split, usable
from nextpick.store import rejections, release_log, releases, standings
from nextpick.store.standings import Standing
from nextpick.store.transactions import step_by_step, with_lock_retry

NAMED = 5  # releases that a refusal offers
log = structlog.get_logger()


@dataclass(frozen=True)
class WentBack:
    """`left` was live, `to` is; the transaction took `ms`. `rejected` is the version that nothing brings back by
    itself now, or empty where both releases have the same bundle; `behind` says what MLflow could not be told."""

    left: Standing
    to: Standing
    ms: float
    rejected: str
    behind: str


def run(
    conn: psycopg.Connection, settings: Settings, release_id: int | None = None, *, who: str, because: str
) -> WentBack:
    """Make an earlier release live again: the one named, else the newest one before the live one that can be.

    The release that is left is rejected with the reason, and so is its bundle where the earlier release has another:
    no nightly run makes it live again. The champion goes back too. Waits for no publish that is running. May be
    repeated with the release named: what is done is not done again.

    Raises: ConfigError where `because` is empty; ReleaseRefused where there is nothing to go back to or the release
    named is none of that, with those that are; StoreError.
    """
    if not because.strip():
        raise ConfigError("The reason is empty. Say why, for those who come after you: --because WHY.")
    with step_by_step(conn, "A rollback"):
        if (left := _done(conn, release_id, who, because.strip())) and release_id:
            target, ms = standings.get(conn, release_id), 0.0
        else:
            every = standings.newest(conn)
            left = _live(every)
            target = _target(conn, settings, every, left, release_id)
            ms = _flip(conn, left, target, who, because.strip())
    rejected = left.model_version if left.bundle_sha256 != target.bundle_sha256 else ""
    log.info("went back", left=left.release_id, to=target.release_id, ms=round(ms, 1), who=who, because=because)
    return WentBack(left, target, ms, rejected, _tell_mlflow(settings, target, rejected, f"{who}: {because.strip()}"))


def choose(conn: psycopg.Connection, settings: Settings) -> int:
    """The newest release before the live one that can be gone back to. Raises: ReleaseRefused where there is none."""
    with step_by_step(conn, "A rollback"):
        every = standings.newest(conn)
        return _target(conn, settings, every, _live(every), None).release_id


def told(done: WentBack) -> list[str]:
    """What happened, line by line."""
    left, to = done.left, done.to
    same = f"Model version {to.model_version} stays, with its earlier lists."
    other = f"Model version {done.rejected} is rejected: nothing makes it live again but a person with a reason. "
    return [
        f"Release {to.release_id} is live again, release {left.release_id} is not: {done.ms:.0f} ms.",
        f"{other}The champion is version {to.model_version}." if done.rejected else same,
        f"Its lists are as of {to.cutoff.astimezone(UTC):%Y-%m-%d %H:%M} UTC: `nextpick publish` makes fresh ones with "
        "the same model.",
        *([f"MLflow does not know yet: {done.behind}"] if done.behind else []),
    ]


def possible(every: Sequence[Standing], live: Standing) -> list[Standing]:
    """Releases that can be gone back to, newest first: whole, live once, made before the live one, neither they nor
    their bundles rejected."""
    return [one for one in every if one.release_id < live.release_id and not _fault(one)]


def _fault(one: Standing) -> str:
    if one.status == "dropped" or (one.status == "ready" and not one.there):
        return "its lists are no longer in the database"
    if one.status != "ready":
        return f"it is {one.status}" + (f": {' '.join(one.reasons)}" if one.reasons else "")
    if one.rejected:
        return f"its version {one.model_version} was gone back from: {one.rejected}"
    return "" if one.was_live else f"it was never live: nextpick publish --release {one.release_id}"


def _live(every: Sequence[Standing]) -> Standing:
    found = next((one for one in every if one.live), None)
    if found is None:
        raise ReleaseRefused("No release is live, so there is nothing to go back from: `nextpick publish`.")
    return found


def _done(conn: psycopg.Connection, release_id: int | None, who: str, because: str) -> Standing | None:
    """The release that was left where this very rollback was the last thing done, by an earlier try of it."""
    entries = release_log.newest(conn, NAMED)
    last = next((entry for entry in entries if entry.action not in ("split", "unsplit")), None)
    if last is None or (last.action, last.to_release, last.who, last.reason) != ("rollback", release_id, who, because):
        return None
    return None if last.from_release is None else standings.get(conn, last.from_release)


def _target(
    conn: psycopg.Connection, settings: Settings, every: Sequence[Standing], live: Standing, release_id: int | None
) -> Standing:
    candidates = possible(every, live)
    if release_id is None:
        faults = []
        for one in candidates:
            if not (why := usable.fault(conn, settings, one)):
                return one
            faults.append(f"Release {one.release_id}: {why}.")
        raise ReleaseRefused(
            f"There is no release before {live.release_id} to go back to. {' '.join(faults[:NAMED])}".strip()
        )
    named = next((one for one in every if one.release_id == release_id), None) or standings.get(conn, release_id)
    if named in candidates and not (why := usable.fault(conn, settings, named)):
        return named
    if release_id == live.release_id:
        why = "it is live"
    elif named not in candidates:
        why = _fault(named) or f"it was made after the live one: nextpick publish --release {release_id}"
    offered = [f"{one.release_id}" for one in candidates if one is not named and not usable.fault(conn, settings, one)]
    raise ReleaseRefused(f"Cannot go back to release {release_id}: {why.rstrip('.')}. {_offer(offered[:NAMED])}")


def _offer(offered: Sequence[str]) -> str:
    return f"These can be gone back to: {', '.join(offered)}." if offered else "There is none that can be gone back to."


def _flip(conn: psycopg.Connection, left: Standing, to: Standing, who: str, because: str) -> float:
    """Flip, reject and log in one transaction; returns how many ms that took, waiting for locks included."""
    start = perf_counter()

    def flip() -> None:
        with conn.transaction():
            if standings.held_live(conn) != left.release_id or standings.held(conn, to.release_id).status != to.status:
                raise StoreError(
                    f"Something else has just been made live instead of release {left.release_id}, or release "
                    f"{to.release_id} was dropped. Look at `nextpick releases`, and go back again."
                )
            releases.flip(conn, to.release_id)
            split.end_where_same(conn, to.bundle_sha256, who)
            standings.reject(conn, left.release_id, f"{who}: {because}")
            if left.bundle_sha256 != to.bundle_sha256:
                rejections.add(conn, left, who=who, reason=because)
            release_log.add(conn, "rollback", who=who, before=left.release_id, after=to.release_id, reason=because)

    with_lock_retry(conn, flip, f"go back to release {to.release_id}")
    return (perf_counter() - start) * 1000


def _tell_mlflow(settings: Settings, to: Standing, rejected: str, why: str) -> str:
    from nextpick import registry  # late: importing MLflow costs seconds, and readers have the earlier release by now

    try:
        registry.went_back(settings, to.model_version, rejected, why)
    except RegistryError as error:
        log.warning("MLflow is told by the next publish", why=str(error))
        return f"{error} The next publish tells it."
    return ""
