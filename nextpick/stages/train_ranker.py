"""Stage: train the ranker on the label windows. data/prepared, models/collab/label_* -> models/ranker."""

import json
import sys
from pathlib import Path

import structlog
from rich.progress import Progress

from nextpick.errors import DataError
from nextpick.models import ranker
from nextpick.models.training import learn
from nextpick.params import load_params
from nextpick.stages import prepared, train_collab
from nextpick.stages.folder import main, new_folder

RANKER = Path("models", "ranker")
_TEXT, _FEATURES, _IMPORTANCE = "ranker.txt", "features.json", "importance.json"
log = structlog.get_logger()


def run(project: Path) -> None:
    """Train and write. Raises: DataError where an earlier stage has not run, or there is nothing to learn from."""
    params = load_params(project / "params.yaml")
    with Progress(disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("trees", total=params.ranker.trees)
        trained = learn(
            prepared.read(project),
            params,
            lambda window: train_collab.read(project, f"label_{window}", params),
            lambda done: bar.update(task, completed=done),
        )
    log.info("ranker trained", trees=trained.trees, of_at_most=params.ranker.trees, features=len(trained.features))
    with new_folder(project / RANKER) as folder:
        (folder / _TEXT).write_text(trained.text)
        (folder / _FEATURES).write_text(json.dumps(trained.features, indent=1))
        (folder / _IMPORTANCE).write_text(json.dumps(trained.importance, indent=1))


def read(project: Path) -> ranker.Ranker:
    """What `run` wrote. Raises: DataError where it has not; BundleError."""
    folder = project / RANKER
    try:
        text, features, importance = ((folder / name).read_text() for name in (_TEXT, _FEATURES, _IMPORTANCE))
        return ranker.Ranker.from_text(text, json.loads(features), json.loads(importance))
    except OSError as error:
        raise DataError(f"Cannot read {error.filename}: {error.strerror}. Run `dvc repro train_ranker`.") from None


if __name__ == "__main__":
    main(run)
