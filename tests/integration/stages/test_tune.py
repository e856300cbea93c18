"""`nextpick tune` on a small world: a proposal and its trials in MLflow, and nothing else has changed."""

import shutil
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from nextpick.cli import app
from nextpick.errors import ConfigError, DataError
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.stages import tune
from nextpick.tuning import runs
from nextpick.tuning.study import Tried
from tests.published import Version


@pytest.fixture
def folder(version: Version, tmp_path: Path) -> Path:
    """A run's folder whose data are prepared."""
    made, folder = version.bundle_dir.parents[1], tmp_path / "tune.r1"
    folder.mkdir()
    shutil.copytree(made / "data" / "prepared", folder / "data" / "prepared")
    shutil.copy(made / "params.yaml", folder)
    return folder


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_best_is_proposed_and_nothing_of_the_run_changes(settings: Settings, folder: Path) -> None:
    before, heard = files(folder), []
    found = tune.run(
        settings,
        folder,
        limits=tune.Limits(minutes=60, trials=6),
        tell=lambda tried, best, share: heard.append((tried.number, best.worth, round(share, 2))),
    )
    assert files(folder) == before
    assert [number for number, *_ in heard] == list(range(6))
    assert [share for *_, share in heard] == [0.17, 0.33, 0.5, 0.67, 0.83, 1.0]
    assert found.trials == 6
    assert found.best.worth == heard[-1][1] > found.present.worth > 0.3
    proposed, present = load_params(found.proposed), load_params(folder / "params.yaml")
    assert proposed != present
    searched = {"pool", "ranker", *present.generators}
    assert proposed.model_dump(exclude=searched) == present.model_dump(exclude=searched)
    assert found.difference in found.said()
    assert f"{found.best.worth:.4f} with this (the best of many, so it flatters)" in found.said()


def test_every_trial_is_a_run_within_the_searchs_run(settings: Settings, folder: Path) -> None:
    found = tune.run(settings, folder, limits=tune.Limits(60, 3))
    client = MlflowClient(settings.tracking_uri)
    place = client.get_experiment_by_name(runs.EXPERIMENT)
    (parent,) = client.search_runs([place.experiment_id], "tags.search = 'tune.r1'")
    children = client.search_runs([place.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert {run.data.tags["varied"] for run in children} >= {"present"}
    assert len(children) == 3
    assert max(run.data.metrics["ndcg_at_10"] for run in children) == pytest.approx(found.best.worth)
    assert parent.data.metrics["present_ndcg_at_10"] == pytest.approx(found.present.worth)
    assert {file.path for file in client.list_artifacts(parent.info.run_id)} == {"params.yaml", "params.diff"}
    assert parent.info.status == "FINISHED"


def test_ctrl_c_keeps_the_best_so_far_and_the_search_can_be_gone_on_with(settings: Settings, folder: Path) -> None:
    def interrupt(tried: Tried, best: Tried, share: float) -> None:
        if tried.number == 2:
            raise KeyboardInterrupt

    found = tune.run(settings, folder, limits=tune.Limits(60, 9), tell=interrupt)
    assert (found.interrupted, found.trials) == (True, 3)
    assert found.proposed.exists()
    assert found.said().startswith("Interrupted after 3 trials")
    further = tune.run(settings, folder, limits=tune.Limits(60, 4))
    assert (further.trials, further.present, further.interrupted) == (4, found.present, False)


def test_when_the_time_is_up_what_is_in_use_has_been_measured(settings: Settings, folder: Path) -> None:
    found = tune.run(settings, folder, limits=tune.Limits(minutes=1e-6))
    assert found.trials == 1
    assert found.difference == ""
    assert "nothing better was found" in found.said()
    assert found.proposed.read_text() == (folder / "params.yaml").read_text()


def test_a_search_is_not_gone_on_with_from_other_parameters(settings: Settings, folder: Path) -> None:
    tune.run(settings, folder, limits=tune.Limits(60, 1))
    params = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(params.replace("leaves: 7", "leaves: 8"))
    with pytest.raises(ConfigError, match=r"from other parameters\. Begin a new one"):
        tune.run(settings, folder, limits=tune.Limits(60, 2))


def test_the_command_searches_the_newest_snapshot_and_says_what_to_do(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def prepare(settings: Settings, conn: object, *, run_id: str) -> Path:
        asked.append((conn, run_id))
        return folder

    monkeypatch.setenv("NEXTPICK_HOME", str(settings.home))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", "")
    monkeypatch.setattr(tune, "prepare", prepare)
    first = CliRunner().invoke(app, ["tune", "--trials", "1", "--resume", "tune.r1"])
    assert isinstance(first.exception, ConfigError)
    assert "There is no search 'tune.r1' to go on with; there is none on this machine" in str(first.exception)
    tune.run(settings, folder, limits=tune.Limits(60, 1))
    result = CliRunner().invoke(app, ["tune", "--trials", "2", "--resume", "tune.r1"])
    assert result.exit_code == 0, result.output
    assert asked == [(None, "tune.r1")]
    assert "After 2 trials, each on" in result.stdout
    assert "To search on: nextpick tune --resume tune.r1" in result.stdout


def test_without_a_snapshot_there_is_nothing_to_search_on(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    result = CliRunner().invoke(app, ["tune"])
    assert isinstance(result.exception, DataError)
    assert "No snapshot has been taken yet" in str(result.exception)
