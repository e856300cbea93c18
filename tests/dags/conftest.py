"""NextPick as a DAG's tasks find it: a database, an MLflow, a home and a small project of the test's own."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from filelock import FileLock
from starlette.testclient import TestClient

from nextpick.settings import Settings
from tests import orchestrated
from tests.published import fill
from tests.slack_server import Slack, slack_server


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


@pytest.fixture
def world(home: Path, conn: psycopg.Connection) -> psycopg.Connection:
    """The world of tests/published.py in the database that the tasks find; each statement its own transaction."""
    fill(conn)
    conn.commit()
    conn.autocommit = True
    return conn


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slack]:
    """A Slack of the test's own, which alerts reach."""
    with slack_server() as slack:
        monkeypatch.setenv("NEXTPICK_SLACK_WEBHOOK_URL", slack.url)
        yield slack


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Airflow's own API app with our plugin, and two users."""
    passwords = tmp_path_factory.mktemp("airflow") / "passwords.json"
    passwords.write_text(json.dumps({"admin": "a", "viewer": "v"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "admin:admin,viewer:viewer")
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
        patch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "x" * 64)
        orchestrated.dag_bag()
        from airflow.api_fastapi.app import create_app, purge_cached_app

        purge_cached_app()
        yield create_app()
        purge_cached_app()


def buttons(airflow: Any, run: Any, task_id: str) -> dict[str, str]:
    """Where the buttons on the page of a task lead, by their names."""
    client = TestClient(airflow)
    token = client.post("/auth/token", json={"username": "admin", "password": "a"}).json()["access_token"]
    path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task_id}/links"
    return dict(client.get(path, headers={"Authorization": f"Bearer {token}"}).json()["extra_links"])
