"""The whole platform on a slice of the real sample: what a test asks about has happened by the time it starts."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest
from psycopg import sql

from nextpick.local import ports
from nextpick.stages import load_sample
from nextpick.store.migrate import migrate
from tests import orchestrated
from tests.serving.test_process import served, wait_for

SAMPLE = orchestrated.ROOT / "data" / "sample" / "online_retail.parquet"
USER = "17850"
SHARE = 8  # one customer in so many
ORDER = ("data_prep", "retrain", "precompute", "drift_report")


@dataclass(frozen=True)
class Loop:
    """What there is: the database, the API's address, and the first night's finished DAG runs by DAG."""

    database_url: str
    home: Path
    address: str
    runs: dict[str, Any]


@pytest.fixture(scope="module")
def loop(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """A fresh Postgres and MLflow, the slice loaded, each DAG run in order, and the API up."""
    folder = tmp_path_factory.mktemp("loop")
    with database(server_url) as url, pytest.MonkeyPatch.context() as patch:
        load_slice(url, folder)
        project = orchestrated.small_project(
            folder / "project", split={"label_days": 28, "label_windows": 1, "test_days": 28}
        )
        patch.setenv("NEXTPICK_HOME", str(folder / "home"))
        patch.setenv("NEXTPICK_PROJECT", str(project))
        patch.setenv("NEXTPICK_DATABASE_URL", url)
        patch.setenv("AIRFLOW_CONN_NEXTPICK_DB", url)
        with mlflow_server(folder) as address:
            patch.setenv("NEXTPICK_MLFLOW_URL", address)
            runs = {dag_id: orchestrated.run(dag_id) for dag_id in ORDER}
            with served(url, folder, NEXTPICK_API_OPEN_TO_LOOPBACK="true") as (api, _):
                wait_for(f"{api}/health/ready", 200, 60)
                yield Loop(url, folder / "home", api, runs)


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """A database made from nothing by the migrations alone."""
    name = sql.Identifier(f"loop_{os.getpid()}")
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        url = server_url.removesuffix("postgres") + f"loop_{os.getpid()}"
        migrate(url)
        yield url
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def load_slice(url: str, folder: Path) -> None:
    """One customer in SHARE, and USER, as `nextpick load --sample` would load them."""
    lines = pd.read_parquet(SAMPLE)
    known = pd.to_numeric(lines["CustomerID"], errors="coerce")
    lines[(known % SHARE == 0) | (known == int(USER))].to_parquet(folder / "slice.parquet")
    with psycopg.connect(url) as conn:
        load_sample.run(conn, folder / "slice.parquet", now=datetime.now(UTC))


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """The address of an MLflow server of the test's own."""
    port = ports.free()
    given = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    places = ("--backend-store-uri", f"sqlite:///{folder}/served.db", "--artifacts-destination", str(folder / "served"))
    command = (sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    with (
        (folder / "mlflow.log").open("wb") as log,
        subprocess.Popen(
            [*command, *places],
            cwd=folder,
            env={**os.environ, **given},
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as server,
    ):
        try:
            wait_for(f"http://127.0.0.1:{port}/health", 200, 120)
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)
