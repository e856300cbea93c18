"""What keeps a run from starting is said as it is, before anything starts."""

import errno
import os
import socket
from pathlib import Path

import pytest

from nextpick.errors import LocalError
from nextpick.local import machine, place, ports, up
from nextpick.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(place, "cluster_folder", lambda home: home / "postgres")
    return Settings(home=tmp_path / ".nextpick", postgres_port=ports.free(), airflow_port=ports.free())


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EACCES, "Permission denied"), (errno.EROFS, "Read-only"), (errno.ENOSPC, "No space")]
)
def test_a_folder_that_cannot_be_written_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(LocalError, match=rf"Cannot write {settings.home}: {words}.*NEXTPICK_HOME"):
        up.run(settings)


def test_a_taken_port_ends_the_start_before_anything_is_made(settings: Settings) -> None:
    with socket.socket() as holder:
        holder.bind((ports.HOST, 0))
        holder.listen()
        taken = settings.model_copy(update={"api_port": holder.getsockname()[1]})
        with pytest.raises(
            LocalError, match=r"which the API needs, cannot be had: .* listens there\. .*NEXTPICK_API_PORT"
        ):
            up.run(taken)
    assert not (settings.home / "postgres" / "data").exists()


def test_data_without_its_passwords_is_not_opened_anew(settings: Settings) -> None:
    (settings.home / "postgres" / "data").mkdir(parents=True)
    with pytest.raises(LocalError, match=r"secrets.json, which holds its passwords, is gone\. .*make clean"):
        machine.prepare(settings, lambda _: None)


def test_another_installations_settings_do_not_reach_our_programs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", "/elsewhere")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    monkeypatch.setenv("NO_PROXY", "intranet")
    settings.home.mkdir()
    known = machine.secrets.load(settings.home / "secrets.json")
    given = machine._environment(settings, known, "postgresql://x")
    assert not {"AIRFLOW_HOME", "MLFLOW_TRACKING_URI"} & set(given)
    assert given["NO_PROXY"] == "intranet,127.0.0.1,localhost"


def test_addresses_that_people_use_from_afar_are_left_as_they_are_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_AIRFLOW_URL", "https://airflow.example.com")
    monkeypatch.delenv("NEXTPICK_API_URL", raising=False)
    settings.home.mkdir()
    known = machine.secrets.load(settings.home / "secrets.json")
    given = machine._environment(settings, known, "postgresql://x")
    told = (settings.home / "local.env").read_text()
    assert "NEXTPICK_AIRFLOW_URL=https://airflow.example.com\n" in told
    assert f"NEXTPICK_LOCAL_API_URL=http://127.0.0.1:{settings.api_port}\n" in told
    assert "NEXTPICK_API_URL" not in given  # programs find it in local.env too, where .env goes before it
