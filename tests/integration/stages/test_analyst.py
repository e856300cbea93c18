"""The analyst's report says in Evidently's words what the card says in ours, and names nobody."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextpick.card import analyst
from nextpick.evaluation.trial import alone
from nextpick.features.holdout import holdout
from nextpick.models.candidates import KINDS
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.stages import analyst as stage
from nextpick.stages import evaluate, prepared


@pytest.fixture(scope="module")
def shown(honest: Path) -> dict[str, Any]:
    """Evidently's metrics by name, of the slice's lists."""
    params, snapshot = load_params(honest / "params.yaml"), prepared.read(honest)
    held = holdout(snapshot, params, snapshot.windows.test_from, snapshot.windows.cutoff)
    popular = alone(KINDS["popular"].fit(held.histories, params), held, params)
    lists = np.stack(list(evaluate.read(honest).per_user["items"]))
    metrics = analyst.report(lists, popular, held, snapshot).dict()["metrics"]
    return {metric["metric_name"].partition("(")[0]: metric["value"] for metric in metrics}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("NDCG", "ndcg_at_10"),
        ("RecallTopK", "recall_at_10"),
        ("PrecisionTopK", "precision_at_10"),
        ("MRR", "mrr_at_10"),
        ("HitRate", "hit_rate_at_10"),
        ("Novelty", "novelty_at_10"),
    ],
)
def test_evidently_measures_what_we_measure(theirs: str, ours: str, shown: dict[str, Any], honest: Path) -> None:
    value = shown[theirs]
    last = list(value["value"].values())[9] if isinstance(value, dict) else value
    assert last == pytest.approx(json.loads((honest / "metrics.json").read_text())[ours], abs=2e-6)


def test_the_page_shows_the_figures_of_model_and_popular_and_names_no_user(honest: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(honest, tmp_path / "run"))
    assert stage.write(folder)
    page, figures = (folder / stage.HTML).read_text(), evaluate.read(folder).figures
    for name in ("ndcg_at_10", "popular_ndcg_at_10"):
        assert f'"{round(figures[name], 3):g}"' in page, name
    assert "a heavy user" in page
    assert not [user for user in prepared.read(folder).users.ids if f'"{user}"' in page]


def test_the_newest_pages_lie_where_airflow_finds_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, attached = Settings(_env_file=None, home=tmp_path), []
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(stage, "write", lambda project: (project / stage.HTML).write_text("a page"))
    monkeypatch.setattr(stage.registry, "attach", lambda _, version, file: attached.append((version, file)))
    monkeypatch.setattr(stage, "KEEP", 2)
    for version in ("8", "9", "10", "10"):
        assert stage.run(settings, tmp_path, version)
    shown = {path.name: path.read_text() for path in (tmp_path / "reports" / "models").iterdir()}
    assert shown == {"9.html": "a page", "10.html": "a page"}
    assert attached[-1] == ("10", tmp_path / stage.HTML)


def test_where_nobody_was_measured_there_is_no_page(honest: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(honest, tmp_path / "run"))
    table = evaluate.read(folder).per_user
    table.iloc[:0].to_parquet(folder / evaluate.EVALUATION / "per_user.parquet", index=False)
    assert not stage.write(folder)
    assert not (folder / stage.HTML).exists()
