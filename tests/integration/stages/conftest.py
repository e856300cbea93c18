"""One run of the stages on a slice of the sample, shared by the tests that only read it."""

import shutil
from pathlib import Path

import pytest

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


@pytest.fixture
def settings(empty_mlflow: Path, tmp_path: Path) -> Settings:
    """A home of the test's own, with such an MLflow."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_mlflow, home)
    return Settings(_env_file=None, home=home)
