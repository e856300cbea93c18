"""The four stages on a slice of the real sample."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nextpick.data.microseconds import microseconds
from nextpick.data.split import between
from nextpick.errors import DataError
from nextpick.features.histories import histories
from nextpick.features.items import ITEM_FEATURES
from nextpick.models import candidates
from nextpick.models.bundle import load_bundle
from nextpick.params import load_params
from nextpick.stages import data_prep, evaluate, prepared, train_collab, train_ranker
from tests.sample_slice import STAGES, lines, write_params


def sums(folder: Path) -> dict[str, str]:
    """Every file a run made, and its md5."""
    made = [path for top in ("data/prepared", "models") for path in (folder / top).rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest()  # noqa: S324 - no secret
        for path in [*made, folder / "metrics.json"]
    }


def test_the_same_input_makes_the_same_bytes_so_that_dvc_knows_them_again(honest: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(honest / "data" / "raw", again / "data" / "raw")
    shutil.copy(honest / "params.yaml", again)
    for run in STAGES:
        run(again)
    assert sums(again) == sums(honest)


def test_a_rerun_replaces_what_it_made_and_leaves_nothing_else(honest: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(honest, tmp_path / "rerun"))
    (folder / train_collab.COLLAB / "label_7").mkdir()
    before = sums(honest)
    for run in STAGES:
        run(folder)
    assert sums(folder) == before
    assert not (folder / train_collab.COLLAB / "label_7").exists()
    assert [path.name for path in folder.rglob(".*")] == []


def test_the_two_stages_together_beat_each_alone_beyond_chance(honest: Path) -> None:
    figures = json.loads((honest / "metrics.json").read_text())
    assert figures["over_popular_low"] > 0
    assert figures["over_als_low"] > 0
    assert figures["ndcg_at_10"] > figures["buy_again_ndcg_at_10"]
    assert figures["users"] > 150


def test_candidates_are_fitted_on_what_was_before_their_use_and_on_nothing_else(honest: Path) -> None:
    snapshot, params = prepared.read(honest), load_params(honest / "params.yaml")
    windows = snapshot.windows
    moments = {"label_0": windows.labels_from[0], "test": windows.test_from, "ship": windows.cutoff}
    assert {path.name for path in (honest / train_collab.COLLAB).iterdir()} == set(moments)
    for use, moment in moments.items():
        only_before = between(snapshot.interactions, 0, moment)
        known = histories(only_before, snapshot.users, snapshot.items, params.data.kinds, moment)
        expected = candidates.fit(known, params)
        found = train_collab.read(honest, use, params)
        assert {n: candidates.dump(g) for n, g in found.items()} == {n: candidates.dump(g) for n, g in expected.items()}


def test_the_ranker_that_ships_is_the_one_that_was_tested(honest: Path) -> None:
    bundle = load_bundle(honest / evaluate.BUNDLE)
    assert bundle.ranker == train_ranker.read(honest)
    assert bundle.metrics == json.loads((honest / "metrics.json").read_text())


def test_the_bundle_ships_generators_and_a_table_that_know_everything(honest: Path) -> None:
    bundle, snapshot = load_bundle(honest / evaluate.BUNDLE), prepared.read(honest)
    assert bundle.windows.cutoff == microseconds(snapshot.interactions["occurred_at"]).max() + 1
    ship = train_collab.read(honest, "ship", bundle.params)
    for name, generator in bundle.generators.items():
        assert candidates.dump(generator) == candidates.dump(ship[name])
    assert (bundle.users.ids, bundle.items.ids) == (snapshot.users.ids, snapshot.items.ids)
    assert (
        np.nanmin(bundle.table.features[:, ITEM_FEATURES.index("idle_days")]) < 1
    )  # somebody took something on the last day


def test_invoice_lines_as_published_are_a_snapshot_too(honest: Path, tmp_path: Path) -> None:
    write_params(tmp_path)
    raw = tmp_path / "data" / "raw"
    raw.mkdir(parents=True)
    lines(600).to_parquet(raw / "online_retail.parquet", index=False)
    data_prep.run(tmp_path)
    one, other = prepared.read(tmp_path), prepared.read(honest)
    assert one.interactions.equals(other.interactions)
    stated = json.loads((tmp_path / "data" / "prepared" / "snapshot.json").read_text())
    assert stated["dropped"]["kind does not count"] > 0  # returns
    assert stated["dropped"]["not a product"] > 0


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (data_prep, "holds no snapshot: neither online_retail.parquet nor events.parquet and items.parquet"),
        (train_collab, r"There is no prepared snapshot in .*Run `dvc repro data_prep`"),
        (train_ranker, "There is no prepared snapshot"),
        (evaluate, "There is no prepared snapshot"),
    ],
)
def test_a_stage_before_its_turn_says_which_one_to_run(stage: object, said: str, tmp_path: Path) -> None:
    write_params(tmp_path)
    with pytest.raises(DataError, match=said):
        stage.run(tmp_path)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("missing", "stage", "said"),
    [
        (train_collab.COLLAB, train_ranker, r"Cannot read .*als.npz: No such file.*Run `dvc repro train_collab`"),
        (train_ranker.RANKER, evaluate, r"Cannot read .*ranker.txt: No such file.*Run `dvc repro train_ranker`"),
    ],
)
def test_a_stage_without_the_output_it_needs_names_it(
    missing: Path, stage: object, said: str, honest: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(honest, tmp_path / "part"))
    shutil.rmtree(folder / missing)
    with pytest.raises(DataError, match=said):
        stage.run(folder)  # type: ignore[attr-defined]


def test_a_label_window_with_nothing_to_learn_is_refused(honest: Path, tmp_path: Path) -> None:
    """Candidates of which none was taken: the pool offers only what nobody wants."""
    folder = Path(shutil.copytree(honest, tmp_path / "idle"))
    path = folder / prepared.PREPARED / "interactions.parquet"
    snapshot = prepared.read(folder)
    start, end = snapshot.windows.labels[0]
    at = microseconds(snapshot.interactions["occurred_at"])
    idle = snapshot.interactions.copy()
    idle.loc[(at >= start) & (at < end), "user_id"] = "somebody new"
    idle.to_parquet(path, index=False)
    with pytest.raises(DataError, match="the ranker has nothing to learn from"):
        train_ranker.run(folder)
