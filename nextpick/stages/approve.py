"""Stage: what a person is asked before a challenger becomes champion, and what becomes of the answer."""

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
import structlog

from nextpick import account, registry
from nextpick.card import TEXT
from nextpick.errors import ConfigError
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.stages import promote

_PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\s*$\n?", re.MULTILINE)
log = structlog.get_logger()


@dataclass(frozen=True)
class Question:
    """What is shown: a line, and Markdown."""

    subject: str
    body: str


def is_asked_for(folder: Path) -> bool:
    """Whether params.yaml, as the run has it, wants a person to approve what the gate let pass."""
    return load_params(folder / "params.yaml").promotion.mode == "approve"


def question(settings: Settings, folder: Path, version: str) -> Question:
    """The question about a version that passed the gate: its model card, or the gate's reasons where there is none.

    Raises: RegistryError.
    """
    from nextpick.stages import card as cards

    found = registry.get(settings, version)
    try:
        card, *_ = (folder / cards.CARD / TEXT).read_text().split("\n## Parameters\n")  # the buttons come below it all
        about = _PICTURE.sub("", card)  # Airflow's page cannot show files of ours
    except FileNotFoundError:
        about = "\n".join(f"- {reason}" for reason in found.reasons)
    links = [f"Until somebody approves, the champion stays. Run: `{found.lineage.get('run_id', 'unknown')}`."]
    if settings.mlflow_address:
        address = f"{settings.mlflow_address}/#/models/{registry.NAME}/versions/{version}"
        links.append(f"[Version {version} in MLflow]({address}), with its plots and files.")
    return Question(f"Version {version} passed the gate. Shall it be the champion?", f"{' '.join(links)}\n\n{about}")


def answered(settings: Settings, version: str, approved: bool, by: str, because: str) -> None:
    """Write the answer on the version. What a person refuses is rejected; without an answer (`by` is empty) it may
    be asked about again. A refusal of what somebody has made champion meanwhile comes too late and is not kept.

    Raises: RegistryError.
    """
    if not approved and registry.get(settings, version).is_champion:
        log.warning("refused too late", version=version, by=by or "nobody", because=because)
        return
    registry.answered(settings, version, approved, by, because)
    if by and not approved:
        registry.reject(settings, version, f"{by} refused it: {because or 'no reason given'}")
    log.info("answered", version=version, approved=approved, by=by or "nobody", because=because)


def by_hand(settings: Settings, version: str, because: str, conn: psycopg.Connection | None = None) -> None:
    """Make a version the champion as the person at the keyboard says so, whatever stands against it.

    Raises: ConfigError where `because` is empty; RegistryError; BundleError where the version's bundle is of no use.
    """
    from nextpick.models.bundle import load_bundle

    if not because.strip():
        raise ConfigError("The reason is empty. Say why, for those who come after you: --because WHY.")
    found = registry.get(settings, version)
    load_bundle(found.bundle_dir, found.bundle_sha256)
    answered(settings, version, True, account.name(), because)
    promote.run(settings, version, force=because, who=account.name(), conn=conn)


def refusal(settings: Settings, version: str) -> str:
    """Who keeps a version out, and why, in sentences. Raises: RegistryError."""
    found = registry.get(settings, version)
    if found.is_champion:
        return f"Version {version} is the champion already: it was promoted while it was asked about. {found.answer}."
    if found.rejected:
        before = "passed the gate, but" if found.gate == registry.PASSED else "was rejected:"
        return f"Version {version} {before} {found.rejected}. The champion stays."
    if found.gate != registry.PASSED:
        return f"The gate refused version {version}; the champion stays. {' '.join(found.reasons)}"
    return (
        f"Version {version} passed the gate, but nobody answered in time whether to promote it. The champion stays. "
        f"Trigger `retrain` in Airflow to be asked again, or say `nextpick promote {version} --because WHY`."
    )
