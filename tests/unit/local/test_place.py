"""Whose data lies where: a clone, its copy, and the clone after it was moved. No root is needed to know that."""

import os
import shutil
from pathlib import Path

import pytest

from nextpick.errors import LocalError
from nextpick.local import place


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder that stands for /var/lib."""
    parent = tmp_path / "lib"
    parent.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(place, "PARENT", parent)
    return parent


def clone(folder: Path) -> Path:
    (folder / ".nextpick").mkdir(parents=True)
    return folder / ".nextpick"


def test_an_ordinary_users_data_lies_in_the_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert place.cluster_folder(tmp_path) == tmp_path / "postgres"


def test_roots_data_lies_in_a_private_folder_that_stays_the_same(as_root: Path, tmp_path: Path) -> None:
    home = clone(tmp_path / "a")
    folder = place.cluster_folder(home)
    assert folder.parent == as_root
    assert folder.stat().st_mode & 0o777 == 0o700
    assert place.cluster_folder(home) == folder == place.owned(home)


def test_a_copied_clone_gets_a_folder_of_its_own(as_root: Path, tmp_path: Path) -> None:
    home = clone(tmp_path / "a")
    folder = place.cluster_folder(home)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    copied = tmp_path / "b" / ".nextpick"
    assert place.owned(copied) is None
    assert place.cluster_folder(copied) != folder
    assert place.cluster_folder(home) == folder


def test_a_moved_clone_finds_its_data(as_root: Path, tmp_path: Path) -> None:
    folder = place.cluster_folder(clone(tmp_path / "a"))
    (tmp_path / "a").rename(tmp_path / "b")
    assert place.cluster_folder(tmp_path / "b" / ".nextpick") == folder


def test_a_folder_that_was_removed_is_made_anew(as_root: Path, tmp_path: Path) -> None:
    home = clone(tmp_path / "a")
    shutil.rmtree(place.cluster_folder(home))
    assert place.cluster_folder(home).exists()


def test_a_place_that_cannot_be_written_says_what_to_do(as_root: Path, tmp_path: Path) -> None:
    shutil.rmtree(as_root)
    with pytest.raises(LocalError, match=r"lib/nextpick-\w+ cannot be made: No such file.* Run as an ordinary user"):
        place.cluster_folder(clone(tmp_path / "a"))
