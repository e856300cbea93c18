"""Settings are found where `make run` left them, also where .env moved everything elsewhere."""

from pathlib import Path

import pytest

from nextpick import settings


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "DATABASE_URL", "API_PORT", "API_URL", "AIRFLOW_URL", "LOCAL_API_URL", "LOCAL_AIRFLOW_URL"):
        monkeypatch.delenv(f"NEXTPICK_{name}", raising=False)
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    monkeypatch.setitem(
        settings.Settings.model_config, "env_file", (tmp_path / ".nextpick/local.env", tmp_path / ".env")
    )
    return tmp_path


def test_what_make_run_left_is_found_in_the_home_that_env_names(project: Path) -> None:
    home = project / "elsewhere"
    home.mkdir()
    (project / ".env").write_text(f"NEXTPICK_HOME={home}\nNEXTPICK_API_PORT=9000\n")
    (home / "local.env").write_text("NEXTPICK_DATABASE_URL=postgresql://there/nextpick\nNEXTPICK_API_PORT=1\n")
    found = settings.load_settings()
    assert found.home == home
    assert found.database() == "postgresql://there/nextpick"
    assert found.api_port == 9000  # .env goes before what was left


def test_a_terminal_finds_the_api_where_make_run_put_it_and_no_port_sticks(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_HOME", str(project / ".nextpick"))
    assert settings.load_settings().api_address == "http://127.0.0.1:8080"
    (project / ".nextpick").mkdir()
    (project / ".nextpick" / "local.env").write_text(
        "NEXTPICK_LOCAL_API_URL=http://127.0.0.1:9000\nNEXTPICK_LOCAL_AIRFLOW_URL=http://127.0.0.1:9001\n"
    )
    found = settings.load_settings()
    assert (found.api_address, found.airflow_address) == ("http://127.0.0.1:9000", "http://127.0.0.1:9001")
    assert found.api_port == 8080
    (project / ".env").write_text("NEXTPICK_AIRFLOW_URL=https://airflow.example.com/\n")
    found = settings.load_settings()
    assert found.airflow_address == "https://airflow.example.com"
    assert found.local_airflow_address == "http://127.0.0.1:9001"
    monkeypatch.setenv("NEXTPICK_API_PORT", "9080")
    assert settings.load_settings().api_address == "http://127.0.0.1:9080"  # here and now
    monkeypatch.setenv("NEXTPICK_API_URL", "https://api.example.com")
    assert settings.load_settings().api_address == "https://api.example.com"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"mlflow_url": "http://user:secret@mlflow:5000/"}, "http://mlflow:5000"),
        (
            {"mlflow_url": "http://mlflow:5000", "mlflow_public_url": "https://ml.example.org/x/"},
            "https://ml.example.org/x",
        ),
        ({}, ""),  # a file is no page
    ],
)
def test_people_are_led_to_mlflow_where_they_reach_it_and_without_a_key(given: dict[str, str], shown: str) -> None:
    assert settings.Settings(_env_file=None, **given).mlflow_address == shown
