"""Into an Airflow that is there: the commands of docs/ship.md, run word by word against a second, bare Airflow home."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.published import fill

ROOT = Path(__file__).resolve().parents[2]
HEADING = "## Into the Airflow you have"
CLONE = (
    *(".dvc", ".dvcignore", "LICENSE", "README.md", "dags", "data", "dvc.yaml", "nextpick", "params.yaml", "plugins"),
    *("pyproject.toml", "requirements.txt", "serving"),
)
# In that Airflow's own Python: what it finds, and whether a task of ours runs.
LOOK = """
import json, sys
from airflow.utils.db import initdb
initdb()
from airflow.dag_processing.dagbag import DagBag
from airflow import plugins_manager
import nextpick
bag = DagBag()
run = bag.dags["data_prep"]
run.deadline = None
for task in run.tasks:
    task.retries = 0
run = run.test(run_conf={})
print(json.dumps({
    "library": nextpick.__file__,
    "dags": sorted(bag.dags),
    "errors": {str(file): error for file, error in bag.import_errors.items()},
    "plugins": sorted({plugin.name for plugin in plugins_manager._get_plugins()[0] if plugin.name}),
    "state": run.state,
    "md5": run.get_task_instance("export").xcom_pull(task_ids="export"),
}), file=open(sys.argv[1], "w"))
"""


def commands() -> str:
    """The first block of commands below the heading."""
    _, _, below = (ROOT / "docs" / "ship.md").read_text().partition(HEADING)
    found = re.search(r"```sh\n(.*?)```", below, re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone, in which a wheel may be built."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for part in CLONE:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(
                source, folder / part, ignore=shutil.ignore_patterns("__pycache__", "raw", "prepared", "tmp", "cache")
            )
        else:
            shutil.copy(source, folder / part)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """`uv` that asks no registry, `pip` that installs into a folder of the test's own, and `python`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    uv = Path(sys.executable).parent / "uv"
    site = tmp_path / "site"
    for name, line in {
        "uv": f'exec {uv} "$@" --offline --no-build-isolation --python {sys.executable}',
        "pip": f'shift 3; exec {uv} pip install --offline --no-deps --target {site} --python {sys.executable} "$@"',
        "python": f'exec {sys.executable} "$@"',
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_commands_of_the_docs_bring_it_there_and_a_task_runs(
    clone: Path, programs: Path, tmp_path: Path, database_url: str, conn: psycopg.Connection
) -> None:
    conn.execute("DROP SCHEMA nextpick CASCADE")  # an existing Postgres, where `migrate` has not been
    conn.commit()
    airflow, home, site = tmp_path / "airflow", tmp_path / "home", tmp_path / "site"
    airflow.mkdir()
    (airflow / "airflow.cfg").write_text(
        f"[core]\ndags_folder = {airflow}/dags\nplugins_folder = {airflow}/plugins\nload_examples = False\n"
        "hostname_callable = socket.gethostname\n"
        f"[database]\nsql_alchemy_conn = sqlite:///{airflow}/airflow.db\n[logging]\nbase_log_folder = {airflow}/logs\n"
    )
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(site),  # before the editable install of this clone
        "OPENBLAS_NUM_THREADS": "1",
        "AIRFLOW_HOME": str(airflow),
        "AIRFLOW_CONN_NEXTPICK_DB": database_url,
        "NEXTPICK_DATABASE_URL": database_url,
        "NEXTPICK_PROJECT": str(clone),
        "NEXTPICK_HOME": str(home),
    }

    def run(*command: str, cwd: Path) -> None:
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]

    run("sh", "-euc", commands(), cwd=clone)
    fill(conn)
    conn.commit()
    run(sys.executable, "-c", LOOK, str(tmp_path / "seen"), cwd=airflow)
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["errors"] == {}
    assert seen["library"] == str(site / "nextpick" / "__init__.py")
    assert seen["dags"] == sorted(path.stem for path in (ROOT / "dags").glob("*.py"))
    assert "nextpick" in seen["plugins"]
    assert seen["state"] == "success"
    snapshots = conn.execute("SELECT raw_md5 FROM nextpick.snapshots").fetchall()
    assert snapshots == [(seen["md5"],)]
