"""Stage: ask the gate about a challenger, and make it champion if it may be."""

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from nextpick import registry
from nextpick.settings import Settings

if TYPE_CHECKING:
    from nextpick.evaluation.gate import Decision

log = structlog.get_logger()


def decide(settings: Settings, folder: Path, version: str) -> "Decision":
    """The gate's decision on the version that the run's folder holds, written on the version in the registry.

    A version that was rejected stays out, whatever the gate would say.

    Raises: RegistryError; BundleError, also where the challenger's own bundle cannot be used by this code.
    """
    from nextpick.evaluation.gate import Decision  # late: promoting needs none of what judging does
    from nextpick.models.bundle import load_bundle
    from nextpick.stages import gate

    found = registry.get(settings, version)
    if found.rejected:
        return Decision(promote=False, reasons=(f"version {version} was rejected: {found.rejected}",), figures={})
    load_bundle(found.bundle_dir, found.bundle_sha256)
    best = registry.champion(settings)
    bundle = load_bundle(best.bundle_dir, best.bundle_sha256) if best else None
    decision = gate.run(folder, bundle)
    registry.judged(settings, version, decision.promote, decision.reasons)
    log.info("gate decided", version=version, promote=decision.promote, reasons="; ".join(decision.reasons))
    return decision


def run(settings: Settings, version: str, *, force: str = "") -> None:
    """Make the version the champion; with `force`, a reason, also where the gate or a rejection stands against it.

    Raises: GateRefused; RegistryError.
    """
    registry.promote(settings, version, force=force)
    log.info("champion", version=version, forced=force or None)


def reasons(settings: Settings, version: str) -> tuple[str, ...]:
    """Why a version is not champion, in the gate's words or those of who rejected it; empty where nothing is known."""
    found = registry.get(settings, version)
    return (found.rejected,) if found.rejected else found.reasons
