"""`nextpick train | publish | recommend | status` where something is missing; tests/end_to_end has them succeed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextpick.cli import app
from nextpick.errors import ConfigError, RegistryError, StoreError
from nextpick.local import ports


@pytest.fixture
def runner(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A command line with a database and nothing in it, and an MLflow that is away."""
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    monkeypatch.setenv("NEXTPICK_MLFLOW_URL", f"http://127.0.0.1:{ports.free()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return CliRunner()


def test_status_says_what_it_can_while_mlflow_is_away(runner: CliRunner) -> None:
    result = runner.invoke(app, ["status"])
    assert result.exit_code == 0
    assert "No release is live yet" in result.stdout
    assert "MLflow at http://127.0.0.1" in result.stdout


def test_status_without_a_database_says_how_to_get_one(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", "")
    assert "NEXTPICK_DATABASE_URL is not set" in runner.invoke(app, ["status"]).stdout


def test_status_names_a_database_that_is_away_without_its_password(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", f"postgresql://u:secret@127.0.0.1:{ports.free()}/n")
    result = runner.invoke(app, ["status"])
    assert "Cannot connect to Postgres at u@127.0.0.1" in result.stdout
    assert "secret" not in result.stdout


def test_recommend_before_the_first_release_says_what_comes_first(runner: CliRunner) -> None:
    result = runner.invoke(app, ["recommend", "somebody"])
    assert isinstance(result.exception, StoreError)
    assert "`nextpick train`, then `nextpick publish`" in str(result.exception)


def test_publish_names_mlflow_where_it_is_away(runner: CliRunner) -> None:
    assert isinstance(runner.invoke(app, ["publish"]).exception, RegistryError)


def test_train_takes_no_moment_that_has_yet_to_come(runner: CliRunner) -> None:
    result = runner.invoke(app, ["train", "--until", "2999-01-01"])
    assert isinstance(result.exception, ConfigError)
    assert "2999-01-01 00:00 UTC, which has yet to come" in str(result.exception)
    result = runner.invoke(app, ["train", "--until", "0001-01-01"])
    assert isinstance(result.exception, ConfigError)
    assert "no event is from before 1980" in str(result.exception)
