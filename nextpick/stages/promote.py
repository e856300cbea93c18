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
    from nextpick.models.bundle import Bundle

log = structlog.get_logger()


def decide(settings: Settings, folder: Path, version: str) -> "Decision":
    """The gate's decision on the version that the run's folder holds, written with its card on it in the registry.

    A version that was rejected stays out whatever the gate would say; what it once said, and the card, stay as they
    are. One that no comparison can be made for, as the champion's bundle is of a form this code cannot use, stays out
    too: a person must promote it with a reason.

    Raises: RegistryError; DataError; BundleError, also where the challenger's own bundle cannot be used by this code.
    """
    from nextpick.evaluation.gate import Decision  # late: promoting needs none of what judging does
    from nextpick.models.bundle import load_bundle
    from nextpick.stages import card

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
