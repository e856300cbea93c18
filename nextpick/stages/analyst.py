"""Stage: the Evidently report on a challenger's lists, put with its card in MLflow: models/analyst.html."""

import shutil
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
KEEP = 20  # versions, 4 MB each
log = structlog.get_logger()


def run(settings: Settings, project: Path, version: str) -> bool:
    """Write the report, put it with the version's card in MLflow, and where Airflow's page of reports finds it.

    False where nobody was measured. Of those for Airflow's page the newest KEEP stay.

    Some 15 CPU-seconds, most of them Evidently's import. Raises: DataError; RegistryError.
    """
    if not write(project):
        return False
    registry.attach(settings, version, project / HTML)
    _show(project / HTML, settings.home / "reports" / "models", version)
    log.info("analyst's report", version=version, path=str(project / HTML))
    return True


def _show(html: Path, folder: Path, version: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{version}.html.new"
    shutil.copyfile(html, draft)
    draft.replace(folder / f"{version}.html")
    ours = [path for path in folder.glob("*.html") if path.stem.isdecimal()]
    for path in sorted(ours, key=lambda path: int(path.stem), reverse=True)[KEEP:]:
        path.unlink(missing_ok=True)


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
