"""Stage: test the ranker on the test window and put the bundle together that would be shipped.

data/prepared, models/collab, models/ranker -> models/bundle, models/evaluation, metrics.json. The ranker that is
tested is the one that ships; its candidates are fitted before the test window for the test, and on everything for
shipping.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import structlog

from nextpick.errors import DataError
from nextpick.evaluation.ips import off_policy
from nextpick.evaluation.report import Report, report
from nextpick.features.holdout import holdout
from nextpick.features.items import item_table
from nextpick.models.bundle import Bundle, save_bundle
from nextpick.params import load_params
from nextpick.stages import prepared, train_collab, train_ranker
from nextpick.stages.folder import main, new_folder

BUNDLE, EVALUATION, METRICS = Path("models", "bundle"), Path("models", "evaluation"), "metrics.json"
_PER_USER, _SLICES, _CURVES = "per_user.parquet", "slices.parquet", "curves.parquet"
log = structlog.get_logger()


def run(project: Path) -> None:
    """Measure, bundle, write. Raises: DataError where an earlier stage has not run."""
    params = load_params(project / "params.yaml")
    snapshot, ranker = prepared.read(project), train_ranker.read(project)
    held = holdout(snapshot, params, snapshot.windows.test_from, snapshot.windows.cutoff)
    tested = train_collab.read(project, "test", params)
    found, by_lot = report(tested, ranker, held, params), off_policy(snapshot, tested, ranker, held, params)
    measured = {**found.figures, **(by_lot.figures() if by_lot else {})}
    figures = {name: round(value, 6) for name, value in measured.items()}
    bundle = Bundle(
        users=snapshot.users,
        items=snapshot.items,
        table=item_table(snapshot.interactions, snapshot.catalogue, snapshot.items, snapshot.windows.cutoff),
        generators=train_collab.read(project, "ship", params),
        ranker=ranker,
        params=params,
        windows=snapshot.windows,
        metrics=figures,
        data_md5=snapshot.data_md5,
    )
    with new_folder(project / BUNDLE) as folder:
        sha256 = save_bundle(bundle, folder)
    with new_folder(project / EVALUATION) as folder:
        for name, table in ((_PER_USER, found.per_user), (_SLICES, found.slices), (_CURVES, found.curves)):
            table.to_parquet(folder / name, index=False)
    _write_metrics(project, figures)
    shown = {name: value for name, value in figures.items() if name.endswith(f"ndcg_at_{params.evaluation.k}")}
    log.info("evaluated", bundle=sha256[:12], **shown)


def read(project: Path) -> Report:
    """What `run` found there, as it was written. Raises: DataError where it has not run."""
    folder = project / EVALUATION
    try:
        tables = [pd.read_parquet(folder / name) for name in (_PER_USER, _SLICES, _CURVES)]
        return Report(json.loads((project / METRICS).read_text()), *tables)
    except OSError as error:
        raise DataError(f"{project} holds no evaluation: {error.strerror}. Run `dvc repro evaluate` there.") from None


def _write_metrics(project: Path, figures: Mapping[str, float]) -> None:
    draft = project / f".{METRICS}.new"
    draft.write_text(json.dumps(figures, indent=1) + "\n")
    draft.replace(project / METRICS)


if __name__ == "__main__":
    main(run)
