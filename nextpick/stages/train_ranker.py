"""Stage: train the ranker on the label window. data/prepared, models/collab/label -> models/ranker."""

import json
import sys
from pathlib import Path

import structlog
from rich.progress import Progress

from nextpick.features.pair import feature_names
from nextpick.models import ranker
from nextpick.models.examples import Examples, examples
from nextpick.params import Params, load_params
from nextpick.stages import files

log = structlog.get_logger()


def run(project: Path) -> None:
    """Train and write. Raises: DataError where an earlier stage has not run, or there is nothing to learn from."""
    params = load_params(project / "params.yaml")
    prepared = files.read_prepared(project)
    windows = prepared.windows
    held = prepared.holdout(params, windows.label_from, windows.test_from)
    learnt = examples(files.read_generators(params, project / files.COLLAB / "label"), held, params)
    log.info("examples made", users=len(learnt.group_sizes), rows=len(learnt.labels), relevant=int(learnt.labels.sum()))
    trained = _train(learnt, params)
    with files.new_folder(project / files.RANKER) as folder:
        (folder / "ranker.txt").write_text(trained.text)
        (folder / "features.json").write_text(json.dumps(trained.features, indent=1))


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
    files.main(run)
