"""Stage: the Evidently report on a challenger's lists, put with its card in MLflow: models/analyst.html."""

from pathlib import Path

import numpy as np
import structlog

from nextpick import registry
from nextpick.evaluation.trial import alone
from nextpick.features.holdout import holdout
from nextpick.models.candidates import KINDS
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.stages import evaluate, prepared

HTML = Path("models", "analyst.html")
log = structlog.get_logger()


def run(settings: Settings, project: Path, version: str) -> bool:
    """Write the report and put it with the version's card in MLflow; False where nobody was measured.

    Some 15 CPU-seconds, most of them Evidently's import. Raises: DataError; RegistryError.
    """
    if not write(project):
        return False
    registry.attach(settings, version, project / HTML)
    log.info("analyst's report", version=version, path=str(project / HTML))
    return True


def write(project: Path) -> bool:
    """Write the report of what lies in `project`, in which evaluate has run; False where nobody was measured."""
    params, found = load_params(project / "params.yaml"), evaluate.read(project)
    if not len(found.per_user):
        return False
    from nextpick.card import analyst
    from nextpick.evidently_engine import save

    snapshot = prepared.read(project)
    held = holdout(snapshot, params, snapshot.windows.test_from, snapshot.windows.cutoff)
    popular = alone(KINDS["popular"].fit(held.histories, params), held, params)
    lists = np.stack(list(found.per_user["items"]))
    save(analyst.report(lists, popular, held, snapshot), project / HTML)
    return True
