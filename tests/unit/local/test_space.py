"""A full disk is told before it stops everything."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from nextpick.errors import LocalError
from nextpick.local import space


def free(monkeypatch: pytest.MonkeyPatch, megabytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=megabytes * space.MEGABYTE))


def test_too_little_room_to_begin_is_refused_with_place_and_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 42)
    with pytest.raises(LocalError, match=rf"Only 42 MB are free where {tmp_path} is; 1,000 MB .*NEXTPICK_HOME"):
        space.require([tmp_path], space.FIRST)


def test_enough_room_is_let_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1000)
    space.require([tmp_path], space.FIRST)


def test_a_disk_that_fills_up_is_told_once_until_it_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "LOOK_SECONDS", 0.0)
    said: list[str] = []
    look = space.watch([tmp_path], said.append)
    for megabytes in (500, 50, 40, 500, 30):
        free(monkeypatch, megabytes)
        look()
    assert [line.split(" are")[0] for line in said] == ["Only 50 MB", "Only 30 MB"]
