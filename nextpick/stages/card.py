"""Stage: the model card of a challenger that the gate has decided on: models/card/{card.md, decision.json, *.png}."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from nextpick.card import TEXT
from nextpick.card.facts import Facts
from nextpick.evaluation.gate import Decision
from nextpick.models import manifest
from nextpick.params import Params, load_params
from nextpick.stages import evaluate, prepared
from nextpick.stages.folder import new_folder

CARD = Path("models", "card")
DECISION = "decision.json"


def run(
    project: Path,
    decision: Decision,
    *,
    version: str = "",
    champion: str = "",
    champion_params: Params | None = None,
    lineage: Mapping[str, str] | None = None,
) -> Path:
    """Write the card of what lies in `project`, and return its folder. `version`, `champion`: the registry's numbers.

    Raises: DataError where the stage evaluate has not run; BundleError.
    """
    from nextpick.card.plots import plots
    from nextpick.card.text import card

    files, sha256, _ = manifest.read(project / evaluate.BUNDLE)
    snapshot = prepared.read(project)
    counted = {"interactions": snapshot.interactions, "users": snapshot.users, "items": snapshot.items}
    facts = Facts(
        decision=decision,
        report=evaluate.read(project),
        params=load_params(project / "params.yaml"),
        windows=snapshot.windows,
        trained_on={name: len(what) for name, what in counted.items()},
        bundle_sha256=sha256,
        version=version,
        champion=champion,
        champion_params=champion_params,
        lineage=lineage or {},
        importance=json.loads(files.get("importance.json", b"{}")),
    )
    drawn = plots(facts)
    with new_folder(project / CARD) as folder:
        for name, content in drawn.items():
            (folder / name).write_bytes(content)
        (folder / DECISION).write_text(json.dumps(asdict(decision), indent=1) + "\n")
        (folder / TEXT).write_text(card(facts, tuple(drawn)))
    return project / CARD
