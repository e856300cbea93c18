"""Forgetting removes what is the clone's, and nothing else."""

import os
import shutil
from pathlib import Path

import pytest

from nextpick.errors import LocalError
from nextpick.local import clean, lock, place
from nextpick.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    home = tmp_path / "clone" / ".nextpick"
    (home / "mlflow").mkdir(parents=True)
    return Settings(project=tmp_path / "clone", home=home)


def test_the_data_and_the_caches_go_and_the_venv_stays(settings: Settings) -> None:
    for name in (".venv/lib/__pycache__", "nextpick/__pycache__", ".mypy_cache"):
        (settings.project / name).mkdir(parents=True)
    clean.run(settings, lambda _: None)
    assert sorted(str(p.relative_to(settings.project)) for p in settings.project.rglob("*")) == [
        ".venv",
        ".venv/lib",
        ".venv/lib/__pycache__",
        "nextpick",
    ]


def test_roots_private_folder_goes_too(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(place, "PARENT", tmp_path)
    folder = place.cluster_folder(settings.home)
    said: list[str] = []
    clean.run(settings, said.append)
    assert said == [f"Removed {folder}", f"Removed {settings.home}"]
    assert not folder.exists()


def test_another_clones_private_folder_stays(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(place, "PARENT", tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    folder = place.cluster_folder(other)
    (settings.home / place.NOTE).write_text((other / place.NOTE).read_text())  # as a copy has it
    clean.run(settings, lambda _: None)
    assert folder.exists()


def test_what_a_removed_clone_left_is_named_and_stays(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(place, "PARENT", tmp_path)
    gone = tmp_path / "gone"
    gone.mkdir()
    folder = place.cluster_folder(gone)
    shutil.rmtree(gone)
    said: list[str] = []
    clean.run(settings, said.append)
    assert said[-1] == f"Left by clones that are gone: rm -r {folder}"
    assert folder.exists()


def test_nothing_goes_while_a_run_is_alive(settings: Settings) -> None:
    with lock.only_run(settings.home, "x"), pytest.raises(LocalError, match="Nothing was removed: a `make run`"):
        clean.run(settings, lambda _: None)
    assert (settings.home / "mlflow").exists()


@pytest.mark.parametrize("slip", ["/", "~", "project"])
def test_a_home_that_holds_more_than_our_data_is_not_removed(settings: Settings, slip: str) -> None:
    home = settings.project if slip == "project" else Path(slip).expanduser()
    with pytest.raises(LocalError, match=r"NEXTPICK_HOME is .*, which holds more than NextPick's data"):
        clean.run(settings.model_copy(update={"home": home}), lambda _: None)
    assert home.exists()
