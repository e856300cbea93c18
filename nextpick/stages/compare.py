"""Stage: a release that is ready is compared with what is live, and blocked where it changes too much."""

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import structlog

from nextpick import artifacts
from nextpick.errors import RegistryError, ReleaseRefused
from nextpick.params import load_params
from nextpick.release import diff, diff_text
from nextpick.release.diff import Diff
from nextpick.release.limits import faults
from nextpick.settings import Settings
from nextpick.store import comparing, lists, release_log, releases, standings
from nextpick.store.releases import Release
from nextpick.store.transactions import room, step_by_step

USERS_AT_ONCE = 4096
DIFF_JSON, DIFF_MD = "diff.json", "diff.md"
log = structlog.get_logger()


@dataclass(frozen=True)
class Comparison:
    """What came of it: `against` is the release that was live, or None; `link` where MLflow shows it, or empty."""

    release_id: int
    against: int | None
    diff: Diff
    reasons: tuple[str, ...]
    link: str = ""

    @property
    def blocked(self) -> bool:
        """Whether the release may not go live by itself."""
        return bool(self.reasons)


def run(conn: psycopg.Connection, settings: Settings, release_id: int, *, who: str = "nextpick") -> Comparison:
    """Compare the release with the live one by the limits of params.yaml, and keep what was found with the release.

    May be repeated: limits that have changed since are heeded. A release that is live already stays as it is. The
    files go to MLflow too; where that is away a warning is logged and all else goes on.

    Raises: ReleaseRefused where the release is not whole; StoreError where there is none, or the disk is full;
    ConfigError.
    """
    params = load_params(settings.project / "params.yaml")
    with step_by_step(conn, "A comparison"), room(f"release {release_id} is not compared"):
        with conn.transaction():
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            release, live = releases.get(conn, release_id), releases.live(conn)
            status = standings.get(conn, release_id).status
            if status not in ("ready", "blocked"):
                raise ReleaseRefused(
                    f"Release {release_id} is {status}, so it cannot be compared. Publish anew: `nextpick publish`."
                )
            before = None if live is None or live.release_id == release_id else live
            found = _diff(conn, release, before, params.scenarios["default"].top_k)
            reasons = (*_incomplete(comparing.made(conn, release_id)), *faults(found, params.publish))
        comparison = Comparison(release_id, before.release_id if before else None, found, reasons)
        if live is None or live.release_id != release_id:
            _keep(conn, comparison, who)
    _tell(comparison)
    return replace(comparison, link=_into_mlflow(settings, comparison, release, before))


def _diff(conn: psycopg.Connection, new: Release, live: Release | None, k: int) -> Diff:
    other = live.release_id if live else comparing.NO_RELEASE
    unavailable = comparing.unavailable(conn, new.release_id, other)
    items = diff.shelf(lists.items(conn, new.release_id), lists.items(conn, other), unavailable)
    parts = (
        diff.count(user_ids, _lists(ours, items.new), _lists(theirs, items.live), items, k)
        for user_ids, ours, theirs in comparing.blocks(conn, new.release_id, other, USERS_AT_ONCE)
    )
    return diff.diff(parts, items, k, live is not None)


def _lists(rows: comparing.Rows, numbers: np.ndarray) -> diff.Lists:
    return diff.Lists(numbers[rows.item_rows], rows.starts, rows.there)


def _incomplete(made: comparing.Made) -> tuple[str, ...]:
    """Why the generation is not whole, if it is not: that has no limit and no parameter."""
    wanted = max(made.users, made.planned) - made.erased
    reasons = []
    if made.undone:
        reasons.append(f"{made.undone} of its blocks of users are not done. Publish again.")
    if made.lists < wanted:
        reasons.append(f"It has lists of {made.lists:,} users instead of {wanted:,}. Publish again.")
    return tuple(reasons)


def _keep(conn: psycopg.Connection, comparison: Comparison, who: str) -> None:
    with conn.transaction():
        was = standings.held(conn, comparison.release_id)
        comparing.keep(conn, comparison.release_id, _json(comparison), comparison.reasons)
        if comparison.blocked and was.reasons != comparison.reasons:
            about = " ".join(comparison.reasons)
            release_log.add(
                conn, "block", who=who, before=comparison.against, after=comparison.release_id, reason=about
            )


def _json(comparison: Comparison) -> dict[str, Any]:
    return {"release": comparison.release_id, "against": comparison.against, **asdict(comparison.diff)}


def kept(conn: psycopg.Connection, release_id: int) -> str:
    """What is kept of a release's comparison, as Markdown. Raises: StoreError where there is no such release."""
    with conn.transaction():
        release, told = releases.get(conn, release_id), comparing.kept(conn, release_id)
        standing = standings.get(conn, release_id)
        reasons = standing.reasons if standing.status == "blocked" else ()
        live = releases.get(conn, told["against"]) if told and told["against"] else None
    if told is None:
        return f"Release {release_id} was not compared with anything."
    return diff_text.text(diff.from_json(told), _named(release), _named(live), reasons, picture=False)


def _tell(comparison: Comparison) -> None:
    found = comparison.diff
    figures: dict[str, Any] = {"release": comparison.release_id, "against": comparison.against}
    figures |= {"users": found.new.users, "gained": found.gained, "lost": found.lost, "overlap": found.overlap}
    log.info("compared", **figures)
    for reason in comparison.reasons:
        log.warning("blocked", release=comparison.release_id, reason=reason)


def _into_mlflow(settings: Settings, comparison: Comparison, new: Release, live: Release | None) -> str:
    """Where MLflow shows the diff; empty where it does not have it."""
    run_id = str(new.lineage.get("mlflow_run_id", ""))
    if not run_id:
        return ""
    place = f"releases/{comparison.release_id}"
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder), comparison, new, live)
        try:
            seen = artifacts.put(settings, run_id, Path(folder), place)
        except RegistryError as error:
            log.warning("the comparison is not in MLflow", release=comparison.release_id, why=str(error))
            return ""
    link = f"{seen}/{DIFF_MD}" if seen else ""
    log.info("the comparison is in MLflow", artifacts=f"runs:/{run_id}/{place}", link=link or None)
    return link


def _named(release: Release | None) -> str:
    return f"Release {release.release_id}, model version {release.model_version}" if release else ""


def _write(folder: Path, comparison: Comparison, new: Release, live: Release | None) -> None:
    found = comparison.diff
    if found.histogram:
        from nextpick.card.plots import overlaps  # late: matplotlib

        (folder / diff_text.PICTURE).write_bytes(overlaps(found.histogram, found.k))
    about = diff_text.text(found, _named(new), _named(live), comparison.reasons, picture=bool(found.histogram))
    (folder / DIFF_MD).write_text(about)
    (folder / DIFF_JSON).write_text(json.dumps(_json(comparison), indent=1) + "\n")
