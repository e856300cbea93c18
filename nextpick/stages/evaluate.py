"""Stage: test the ranker on the test window and put the bundle together that would be shipped.

data/prepared, models/collab, models/ranker -> models/bundle, models/evaluation, metrics.json. The ranker that is
tested is the one that ships; its candidates are fitted before the test window for the test, and on everything for
shipping.
"""

import json
from pathlib import Path

import structlog

from nextpick.evaluation.report import report
from nextpick.features.items import item_table
from nextpick.models.bundle import Bundle, save_bundle
from nextpick.models.ranker import Ranker
from nextpick.params import load_params
from nextpick.stages import files

log = structlog.get_logger()


def run(project: Path) -> None:
    """Measure, bundle, write. Raises: DataError where an earlier stage has not run."""
    params = load_params(project / "params.yaml")
    prepared = files.read_prepared(project)
    windows = prepared.windows
    folder = project / files.RANKER
    ranker = Ranker.from_text((folder / "ranker.txt").read_text(), json.loads((folder / "features.json").read_text()))
    held = prepared.holdout(params, windows.test_from, windows.cutoff)
    found = report(files.read_generators(params, project / files.COLLAB / "test"), ranker, held, params)
    figures = {name: round(value, 6) for name, value in found.figures.items()}
    bundle = Bundle(
        users=prepared.users,
        items=prepared.items,
        table=item_table(prepared.interactions, prepared.catalogue, prepared.items, windows.cutoff),
        generators=files.read_generators(params, project / files.COLLAB / "ship"),
        ranker=ranker,
        params=params,
        windows=windows,
        metrics=figures,
        data_md5=prepared.data_md5,
    )
    with files.new_folder(project / files.BUNDLE) as out:
        sha256 = save_bundle(bundle, out)
    with files.new_folder(project / files.EVALUATION) as out:
        found.per_user.to_parquet(out / "per_user.parquet", index=False)
    draft = project / f".{files.METRICS}.new"
    draft.write_text(json.dumps(figures, indent=1) + "\n")
    draft.replace(project / files.METRICS)
    log.info(
        "evaluated", bundle=sha256[:12], **{n: v for n, v in figures.items() if n.endswith(_ndcg(params.evaluation.k))}
    )


def _ndcg(k: int) -> str:
    return f"ndcg_at_{k}"


if __name__ == "__main__":
    files.main(run)
