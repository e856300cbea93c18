"""Stage: train the ranker on the label windows. data/prepared, models/collab/label_* -> models/ranker."""

import json
import sys
from pathlib import Path

import structlog
from rich.progress import Progress

from nextpick.errors import DataError
from nextpick.features.holdout import holdout
from nextpick.features.pair import feature_names
from nextpick.models import ranker
from nextpick.models.examples import Examples, examples, together
from nextpick.params import Params, load_params
from nextpick.stages import prepared, train_collab
from nextpick.stages.folder import main, new_folder

RANKER = Path("models", "ranker")
_TEXT, _FEATURES = "ranker.txt", "features.json"
log = structlog.get_logger()


def run(project: Path) -> None:
    """Train and write. Raises: DataError where an earlier stage has not run, or there is nothing to learn from."""
    params = load_params(project / "params.yaml")
    learnt = _examples(project, params)
    log.info("examples made", users=len(learnt.group_sizes), rows=len(learnt.labels), relevant=int(learnt.labels.sum()))
    trained = _train(learnt, params)
    with new_folder(project / RANKER) as folder:
        (folder / _TEXT).write_text(trained.text)
        (folder / _FEATURES).write_text(json.dumps(trained.features, indent=1))


def read(project: Path) -> ranker.Ranker:
    """What `run` wrote. Raises: DataError where it has not; BundleError."""
    folder = project / RANKER
    try:
        return ranker.Ranker.from_text((folder / _TEXT).read_text(), json.loads((folder / _FEATURES).read_text()))
    except OSError as error:
        raise DataError(f"Cannot read {error.filename}: {error.strerror}. Run `dvc repro train_ranker`.") from None


def _examples(project: Path, params: Params) -> Examples:
    """Those of every label window, each from candidates that know nothing of it."""
    snapshot = prepared.read(project)
    parts = []
    for i, (start, end) in enumerate(snapshot.windows.labels):
        generators = train_collab.read(project, f"label_{i}", params)
        parts.append(examples(generators, holdout(snapshot, params, start, end), params))
    learnt = together(parts)
    if not learnt.labels.any():
        raise DataError(
            "No candidate of any label window was relevant, so the ranker has nothing to learn from. "
            "Load more history, or raise the sizes in params pool."
        )
    return learnt


def _train(learnt: Examples, params: Params) -> ranker.Ranker:
    names = feature_names(params.generators)
    with Progress(disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task("trees", total=params.ranker.trees)
        return ranker.train(
            learnt.features,
            learnt.labels,
            learnt.group_sizes,
            names,
            params,
            lambda done: bar.update(task, completed=done),
        )


if __name__ == "__main__":
    main(run)
