"""`nextpick card` shows what the gate left in MLflow."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextpick import registry
from nextpick.cli import app
from nextpick.errors import RegistryError
from nextpick.settings import Settings
from tests.integration.registry.conftest import LINEAGE

Made = Callable[[str], tuple[Path, str]]


@pytest.fixture
def runner(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("NEXTPICK_HOME", str(settings.home))
    monkeypatch.delenv("NEXTPICK_MLFLOW_URL", raising=False)
    return CliRunner()


def test_before_the_first_version_it_says_what_comes_first(runner: CliRunner) -> None:
    result = runner.invoke(app, ["card"])
    assert isinstance(result.exception, RegistryError)
    assert "There is no version yet: `nextpick train` makes one" in str(result.exception)


def test_it_shows_the_newest_version_or_the_one_that_was_asked_for(
    runner: CliRunner, settings: Settings, made: Made, tmp_path: Path
) -> None:
    for text in ("tea", "tools"):
        version = registry.register(settings, *made(text), LINEAGE).version
        (tmp_path / text).mkdir()
        (tmp_path / text / "card.md").write_text(f"# All about {text}")
        registry.judged(settings, version, True, ["good"], tmp_path / text)
    newest, first = runner.invoke(app, ["card"]).stdout, runner.invoke(app, ["card", "1"]).stdout
    assert "All about tools" in newest
    assert "All about tea" in first
    assert f"With its plots: {settings.home / 'cards' / '1' / 'card.md'}" in first
