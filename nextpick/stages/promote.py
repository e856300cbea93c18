"""Stage: ask the gate about a challenger, and make it champion if it may be."""

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import structlog

from nextpick import registry
from nextpick.errors import BundleError
from nextpick.registry import ModelVersion
from nextpick.settings import Settings
from nextpick.stages import settle
from nextpick.store import rejections, release_log

if TYPE_CHECKING:
    from nextpick.evaluation.gate import Decision
    from nextpick.models.bundle import Bundle

log = structlog.get_logger()


def decide(settings: Settings, folder: Path, version: str, conn: psycopg.Connection | None = None) -> "Decision":
    """The gate's decision on the version that the run's folder holds, written with its card on it in the registry.

    A version that was rejected, in Postgres where `conn` leads to or in MLflow, stays out whatever the gate would say;
    what it once said, and the card, stay as they are. One that no comparison can be made for, as the champion's bundle
    is of a form this code cannot use, stays out too: a person must promote it with a reason.

    Raises: RegistryError; DataError; BundleError, also where the challenger's own bundle cannot be used by this code.
    """
    from nextpick.evaluation.gate import Decision  # late: promoting needs none of what judging does
    from nextpick.models.bundle import load_bundle
    from nextpick.stages import card

    settle.run(conn, settings)
    found = registry.get(settings, version)
    load_bundle(found.bundle_dir, found.bundle_sha256)
    if found.rejected:
        return Decision(False, (f"It was rejected: {found.rejected}.",), {})
    best, bundle, fault = _champion(settings)
    decision = _decision(folder, bundle, fault)
    written = card.run(
        folder,
        decision,
        version=version,
        champion=best.version if best else "",
        champion_params=bundle.params if bundle else None,
        lineage=found.lineage,
    )
    registry.judged(settings, version, decision.promote, decision.reasons, written)
    return decision


def _champion(settings: Settings) -> tuple[ModelVersion | None, "Bundle | None", str]:
    """The champion, its bundle, and why that cannot be used."""
    from nextpick.models.bundle import load_bundle

    best = None
    try:
        best = registry.champion(settings)
        return best, load_bundle(best.bundle_dir, best.bundle_sha256) if best else None, ""
    except BundleError as error:
        return best, None, str(error)


def _decision(folder: Path, champion: "Bundle | None", fault: str) -> "Decision":
    from nextpick.evaluation.gate import Decision
    from nextpick.stages import gate

    if fault:
        return Decision(False, (f"The champion cannot be compared with. {fault} Promote this one with a reason.",), {})
    return gate.run(folder, champion)


def run(
    settings: Settings, version: str, *, force: str = "", who: str = "nextpick", conn: psycopg.Connection | None = None
) -> None:
    """Make the version the champion; with `force`, a reason, also where the gate or a rejection stands against it.

    A rejection in Postgres, which `conn` leads to, is lifted by that, and logged as what `who` did.

    Raises: GateRefused; RegistryError.
    """
    settle.run(conn, settings)
    registry.promote(settings, version, force=force)
    if force and conn is not None:
        _lift(conn, registry.get(settings, version), who, force)
    log.info("champion", version=version, forced=force or None)


def _lift(conn: psycopg.Connection, version: ModelVersion, who: str, because: str) -> None:
    """After MLflow, so that a crash between is put right by `settle`: the version is then still rejected."""
    with conn.transaction():
        if lifted := rejections.lift(conn, version.bundle_sha256):
            reason = f"version {version.version} may be published again: {because} (it was rejected by {lifted})"
            release_log.add(conn, "force", who=who, reason=reason)


def reasons(settings: Settings, version: str) -> tuple[str, ...]:
    """Why a version is not champion, in the gate's words or those of who rejected it; empty where nothing is known."""
    found = registry.get(settings, version)
    return (found.rejected,) if found.rejected else found.reasons
