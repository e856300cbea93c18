"""NextPick as a DAG's tasks find it: a database, an MLflow, a home and a small project of the test's own."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from nextpick.settings import Settings
from tests import orchestrated


@pytest.fixture(scope="session")
def bag() -> Any:
    """The parsed DAGs."""
    return orchestrated.dag_bag()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all tests may share: an empty MLflow to copy, and a DVC cache."""
    folder = Path(os.environ["PYTEST_NEXTPICK_FOLDER"]) / "shared"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            from nextpick import registry

            registry.champion(Settings(_env_file=None, home=folder))
            (folder / "dvc").mkdir()
    return folder


@pytest.fixture
def home(shared: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """NEXTPICK_HOME, and the environment that leads tasks to it and to the database."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(shared / "mlflow.db", home)
    (home / "dvc").symlink_to(shared / "dvc")
    monkeypatch.setenv("NEXTPICK_HOME", str(home))
    monkeypatch.setenv("NEXTPICK_PROJECT", str(orchestrated.small_project(tmp_path / "project")))
    monkeypatch.setenv("NEXTPICK_MLFLOW_URL", f"sqlite:///{home}/mlflow.db")
    monkeypatch.setenv("AIRFLOW_CONN_NEXTPICK_DB", database_url)
    return home
