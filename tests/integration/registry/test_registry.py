"""The model registry on a real MLflow: one version a bundle, and who may be champion."""

import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from mlflow import MlflowClient

from nextpick import registry
from nextpick.errors import BundleError, GateRefused, RegistryError
from nextpick.local import ports
from nextpick.registry import ModelVersion
from nextpick.settings import Settings
from tests.integration.registry.conftest import LINEAGE

Made = Callable[[str], tuple[Path, str]]


def registered(settings: Settings, made: Made, text: str = "a") -> ModelVersion:
    folder, sha256 = made(text)
    return registry.register(settings, folder, sha256, LINEAGE)


def passed(settings: Settings, made: Made, text: str = "a") -> ModelVersion:
    version = registered(settings, made, text)
    registry.judged(settings, version.version, True, ["better than popular"])
    return version


def client(settings: Settings) -> MlflowClient:
    return MlflowClient(settings.tracking_uri, settings.tracking_uri)


def test_a_bundle_becomes_a_challenger_with_all_that_made_it(settings: Settings, made: Made) -> None:
    folder, sha256 = made("a")
    (folder / "changes.diff").write_text("+ a change")
    version = registry.register(settings, folder, sha256, LINEAGE)
    assert (version.version, version.aliases, version.bundle_sha256) == ("1", {"challenger"}, sha256)
    assert version.lineage == {**LINEAGE, "mlflow_run_id": version.lineage["mlflow_run_id"]}
    assert (version.bundle_dir / "ranker.txt").read_text() == "a"
    assert version.bundle_dir == settings.home / "bundles" / sha256
    run = client(settings).get_run(version.lineage["mlflow_run_id"])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"seed": "42", "als.factors": "8"}
    assert run.data.metrics == {"ndcg_at_10": 0.25, "users": 12.0}
    assert run.data.tags.items() >= LINEAGE.items()
    files = {f.path for f in client(settings).list_artifacts(run.info.run_id)}
    assert files == {"bundle", "params.yaml", "metrics.json", "dvc.lock", "changes.diff"}


def test_the_same_bundle_is_the_same_version_however_often_it_is_registered(settings: Settings, made: Made) -> None:
    folder, sha256 = made("a")
    first = registry.register(settings, folder, sha256, LINEAGE)
    again = registry.register(settings, folder, sha256, {**LINEAGE, "run_id": "retrain.r2"})
    assert again == first
    assert len(registry.newest(settings, 10)) == 1
    assert registered(settings, made, "b").version == "2"


def test_a_register_that_crashed_half_way_is_gone_on_with(
    settings: Settings, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, sha256 = made("a")
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "create_model_version", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            registry.register(settings, folder, sha256, LINEAGE)
    version = registry.register(settings, folder, sha256, LINEAGE)
    assert version.version == "1"
    experiment = client(settings).get_experiment_by_name("nextpick")
    assert experiment is not None
    assert len(client(settings).search_runs([experiment.experiment_id])) == 1


def test_a_bundle_that_changed_since_it_was_named_is_not_registered(settings: Settings, made: Made) -> None:
    folder, sha256 = made("a")
    (folder / "models" / "bundle" / "ranker.txt").write_text("b")
    with pytest.raises(BundleError, match="was changed"):
        registry.register(settings, folder, sha256, LINEAGE)
    assert registry.newest(settings, 10) == []


def test_before_the_first_promotion_there_is_no_champion(settings: Settings, made: Made) -> None:
    registered(settings, made)
    assert registry.champion(settings) is None


def test_a_version_that_passed_becomes_champion_and_is_challenger_no_more(settings: Settings, made: Made) -> None:
    first = passed(settings, made)
    registry.promote(settings, first.version)
    second = passed(settings, made, "b")
    registry.promote(settings, second.version)
    champion = registry.champion(settings)
    assert champion is not None
    assert (champion.version, champion.aliases, champion.gate) == ("2", {"champion"}, "passed")
    assert registry.get(settings, "1").aliases == frozenset()


def test_a_champion_that_is_registered_again_stays_what_it_is(settings: Settings, made: Made) -> None:
    version = passed(settings, made)
    registry.promote(settings, version.version)
    assert registry.register(settings, made("c")[0].with_name("run a"), version.bundle_sha256, LINEAGE).is_champion


def test_a_version_the_gate_refused_or_never_saw_is_not_promoted(settings: Settings, made: Made) -> None:
    version = registered(settings, made)
    with pytest.raises(GateRefused, match="Version 1 has not passed the gate"):
        registry.promote(settings, version.version)
    registry.judged(settings, version.version, False, ["worse than popular", "by 3 %"])
    with pytest.raises(GateRefused, match="refused by the gate: worse than popular; by 3 %"):
        registry.promote(settings, version.version)
    assert registry.champion(settings) is None


def test_a_rejected_version_comes_back_by_force_only_and_the_reason_stays_on_it(settings: Settings, made: Made) -> None:
    version = passed(settings, made)
    registry.promote(settings, version.version)
    other = passed(settings, made, "b")
    registry.promote(settings, other.version)
    registry.reject(settings, other.version, "complaints about tea")
    registry.promote(settings, version.version)
    with pytest.raises(GateRefused, match="Version 2 was rejected: complaints about tea"):
        registry.promote(settings, other.version)
    registry.promote(settings, other.version, force="the complaints were about the weather")
    champion = registry.champion(settings)
    assert champion is not None
    assert (champion.version, champion.rejected) == ("2", "")
    assert champion.forced == "the complaints were about the weather"


def test_a_rejected_bundle_that_is_trained_again_is_no_challenger(settings: Settings, made: Made) -> None:
    folder, sha256 = made("a")
    version = registry.register(settings, folder, sha256, LINEAGE)
    registry.reject(settings, version.version, "no")
    assert registry.register(settings, folder, sha256, LINEAGE).aliases == frozenset()


def test_a_bundle_that_is_gone_comes_back_from_mlflow(settings: Settings, made: Made) -> None:
    version = registered(settings, made)
    shutil.rmtree(settings.home / "bundles")
    again = registry.get(settings, version.version)
    assert (again.bundle_dir / "ranker.txt").read_text() == "a"
    assert [f.name for f in (settings.home / "bundles").iterdir()] == [version.bundle_sha256]


def test_a_bundle_that_was_changed_in_mlflow_is_not_taken(settings: Settings, made: Made) -> None:
    version = registered(settings, made)
    shutil.rmtree(settings.home / "bundles")
    (stored,) = (settings.home / "mlflow" / "artifacts").rglob("ranker.txt")
    stored.write_text("evil")
    with pytest.raises(BundleError, match="was changed"):
        registry.get(settings, version.version)
    assert list((settings.home / "bundles").iterdir()) == []


def test_a_version_that_is_not_there_is_named(settings: Settings, made: Made) -> None:
    registered(settings, made)
    with pytest.raises(RegistryError, match=r"version=7\) not found.*nextpick status"):
        registry.get(settings, "7")
    with pytest.raises(RegistryError, match=r"must be an integer, got 'latest'\. `nextpick status` lists"):
        registry.get(settings, "latest")


def test_a_home_that_cannot_be_made_is_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = settings.model_copy(update={"home": tmp_path / "file" / "home", "mlflow_url": None})
    nowhere.__dict__.pop("tracking_uri", None)
    with pytest.raises(RegistryError, match=r"Cannot use .*file/home: .*Is NEXTPICK_HOME right"):
        registry.champion(nowhere)


def test_an_mlflow_that_is_away_is_said_without_its_password(settings: Settings) -> None:
    away = settings.model_copy(update={"mlflow_url": f"http://me:hunter2@127.0.0.1:{ports.free()}"})
    start = monotonic()
    with pytest.raises(RegistryError, match=r"MLflow at http://127.0.0.1:.*NEXTPICK_MLFLOW_URL") as raised:
        registry.champion(away)
    assert "hunter2" not in str(raised.value)
    assert monotonic() - start < 30


def test_versions_are_listed_newest_first(settings: Settings, made: Made) -> None:
    for text in "abc":
        registered(settings, made, text)
    assert [v.version for v in registry.newest(settings, 2)] == ["3", "2"]


def test_a_decision_is_on_the_version_and_on_its_run_with_the_card_and_its_plots(
    settings: Settings, made: Made, tmp_path: Path
) -> None:
    version = registered(settings, made)
    written = tmp_path / "card"
    written.mkdir()
    (written / "plot.png").write_bytes(b"png")
    for text in ("first", "second"):  # asked again, the gate's last word counts
        (written / "card.md").write_text(text)
        registry.judged(settings, version.version, False, ["worse", "by 3 %"], written)
    (tmp_path / "more.html").write_text("more")
    registry.attach(settings, version.version, tmp_path / "more.html")
    run = client(settings).get_run(version.lineage["mlflow_run_id"])
    assert (run.data.tags["gate"], run.data.tags["gate_reasons"]) == ("refused", '["worse", "by 3 %"]')
    for _ in range(2):
        folder = registry.card(settings, version.version)
        assert folder == settings.home / "cards" / "1"
        files = {file.name: file.read_text() for file in folder.iterdir()}
        assert files == {"card.md": "second", "plot.png": "png", "more.html": "more"}
    assert [file.name for file in folder.parent.iterdir()] == ["1"]


def test_a_version_the_gate_was_not_asked_about_has_no_card(settings: Settings, made: Made) -> None:
    version = registered(settings, made)
    with pytest.raises(RegistryError, match="Version 1 has no card: the gate has not been asked about it"):
        registry.card(settings, version.version)
