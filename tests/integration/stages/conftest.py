"""One run of the stages on a slice of the sample, shared by the tests that only read it."""

import shutil
from pathlib import Path

import pytest

from nextpick import registry
from nextpick.settings import Settings
from tests.sample_slice import project

SMALL = {
    "als": {"factors": 32},
    "split": {"label_windows": 1},
    "ranker": {"trees": 100},
    "evaluation": {"bootstrap_samples": 200},
}


@pytest.fixture(scope="session")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("stages") / "honest", 600, **SMALL)


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an MLflow that holds nothing: making one takes seconds."""
    home = tmp_path_factory.mktemp("empty")
    registry.champion(Settings(_env_file=None, home=home))
    return home


@pytest.fixture
def settings(empty_home: Path, tmp_path: Path) -> Settings:
    """A home of the test's own, with such an MLflow."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_home / "mlflow.db", home)
    return Settings(_env_file=None, home=home)
