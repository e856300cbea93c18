"""The file of passwords: private, complete, kept."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from nextpick.errors import LocalError
from nextpick.local import secrets


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    secrets.load(tmp_path / "secrets.json")
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    secrets.load(file)
    file.chmod(0o644)
    secrets.load(file)
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_was_generated_once_is_kept(tmp_path: Path) -> None:
    assert secrets.load(tmp_path / "secrets.json") == secrets.load(tmp_path / "secrets.json")


def test_no_two_secrets_are_alike(tmp_path: Path) -> None:
    values = list(asdict(secrets.load(tmp_path / "secrets.json")).values())
    assert len(set(values)) == len(values)
    assert min(map(len, values)) >= 24


def test_a_secret_that_a_newer_version_needs_is_added_and_the_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    first = secrets.load(file)
    older = asdict(first)
    del older["airflow_viewer"]
    file.write_text(json.dumps(older))
    second = secrets.load(file)
    assert second.postgres == first.postgres
    assert second.airflow_viewer
    assert second == secrets.load(file)


def test_a_secret_is_not_in_what_a_log_or_traceback_shows(tmp_path: Path) -> None:
    found = secrets.load(tmp_path / "secrets.json")
    assert found.postgres not in repr(found)


def test_a_broken_file_is_not_replaced_as_the_data_would_be_lost_with_it(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text("{")
    with pytest.raises(LocalError, match=r"secrets.json, which holds the passwords .* Put back a copy .*make clean"):
        secrets.load(file)
    assert file.read_text() == "{"
