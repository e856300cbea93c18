"""Stage: ask the gate about a challenger, and make it champion if it may be."""

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from nextpick import registry
from nextpick.errors import BundleError
from nextpick.registry import ModelVersion
from nextpick.settings import Settings

if TYPE_CHECKING:
    from nextpick.evaluation.gate import Decision

log = structlog.get_logger()


def decide(settings: Settings, folder: Path, version: str) -> "Decision":
    """The gate's decision on the version that the run's folder holds, written on the version in the registry.

    A version that was rejected stays out whatever the gate would say, and so does one that no comparison can be made
    for, as the champion's bundle is of a form this code cannot use: a person must promote it with a reason.

    Raises: RegistryError; BundleError, also where the challenger's own bundle cannot be used by this code.
    """
    from nextpick.models.bundle import load_bundle  # late: promoting needs none of what judging does

    found = registry.get(settings, version)
    load_bundle(found.bundle_dir, found.bundle_sha256)
    decision = _decision(settings, folder, found)
    registry.judged(settings, version, decision.promote, decision.reasons)
    return decision


def _decision(settings: Settings, folder: Path, challenger: ModelVersion) -> "Decision":
    from nextpick.evaluation.gate import Decision
    from nextpick.models.bundle import load_bundle
    from nextpick.stages import gate

    if challenger.rejected:
        return Decision(False, (f"It was rejected: {challenger.rejected}.",), {})
    try:
        best = registry.champion(settings)
        bundle = load_bundle(best.bundle_dir, best.bundle_sha256) if best else None
    except BundleError as error:
        return Decision(False, (f"The champion cannot be compared with. {error} Promote this one with a reason.",), {})
    return gate.run(folder, bundle)


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
