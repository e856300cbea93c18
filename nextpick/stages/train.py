"""Stage: the whole way from events to a judged challenger, as the DAGs data_prep and retrain go it, in one call."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from nextpick import account, pipeline
from nextpick.registry import ModelVersion
from nextpick.settings import Settings
from nextpick.stages import approve, export, promote, register


@dataclass(frozen=True)
class Trained:
    """The version, whether each stage was known already, and what became of it.

    `promoted` is None where the version was the champion before: there were no new data.
    """

    version: ModelVersion
    cached: bool
    promoted: bool | None
    reasons: tuple[str, ...] = ()


def run(
    settings: Settings,
    conn: psycopg.Connection | None,
    *,
    run_id: str,
    cutoff: datetime,
    force: bool = False,
    because: str = "",
    tell: Callable[[str], object] = lambda _: None,
) -> Trained:
    """Train on the events before `cutoff`, or on the sample where `conn` is None, and let the gate decide.

    `force` computes every stage anew; `because` promotes whatever the gate says, and where a person is to approve. A
    run that was interrupted goes on where it was if it is given its `run_id` again. Each step is told as it begins.

    Raises: DataError; PipelineError; RegistryError; BundleError.
    """
    tell("snapshot")
    if conn is not None:
        export.run(conn, settings, cutoff=cutoff, run_id=run_id)
    folder = pipeline.start(settings, run_id)
    if conn is None:
        pipeline.fetch_sample(folder)
    outcomes = []
    for stage in pipeline.stages(folder / "dvc.yaml"):
        tell(stage)
        outcomes.append(pipeline.reproduce(folder, stage, force=force))
    cached = all(outcome.cached for outcome in outcomes)
    tell("register")
    version = register.run(settings, folder, conn)
    if version.is_champion:
        return Trained(version, cached, None)
    tell("gate")
    promoted, reasons = _judged(settings, conn, folder, version.version, because)
    return Trained(version, cached, promoted, reasons)


def _judged(
    settings: Settings, conn: psycopg.Connection | None, folder: Path, version: str, because: str
) -> tuple[bool, tuple[str, ...]]:
    """Whether the version is champion now, and why or why not."""
    decision = promote.decide(settings, folder, version, conn)
    who = account.name()
    if because:
        approve.answered(settings, version, True, who, because)
    elif decision.promote and approve.is_asked_for(folder):
        remedy = f"params.yaml has promotion.mode: approve. Approve it: nextpick promote {version} --because WHY"
        return False, (*decision.reasons, remedy)
    if decision.promote or because:
        promote.run(settings, version, force=because, who=who, conn=conn)
    return decision.promote or bool(because), decision.reasons
