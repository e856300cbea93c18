"""Airflow as the tests have it: a home of its own a process, real DAGs, run by `dag.test()` in this process."""

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


def make_home(home: Path) -> None:
    """Write AIRFLOW_HOME and point at it; to be called before anything imports airflow."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "airflow.cfg").write_text(
        f"[core]\ndags_folder = {ROOT}/dags\nplugins_folder = {ROOT}/plugins\nload_examples = False\n"
        "hostname_callable = socket.gethostname\n"
        f"[database]\nsql_alchemy_conn = sqlite:///{home}/airflow.db\n"
        f"[logging]\nbase_log_folder = {home}/logs\n"
    )
    os.environ["AIRFLOW_HOME"] = str(home)


@cache
def dag_bag() -> Any:
    """The bag of the project's DAGs, Airflow's database made."""
    from airflow.utils.db import initdb

    initdb()
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=ROOT / "dags")


def run(
    dag_id: str,
    *,
    retries: int = 0,
    at: datetime | None = None,
    instead: Mapping[str, Callable[..., Any]] | None = None,
    **params: Any,
) -> Any:
    """The finished run of a DAG triggered by hand with these params; `at` names it, so that it can be run again.

    `instead` gives tasks, by their ids, another body; the analyst's report, 15 CPU-seconds each, has none by default.
    """
    from airflow.sdk.definitions._internal.expandinput import EXPAND_INPUT_EMPTY

    dag = deepcopy(dag_bag().dags[dag_id], {id(EXPAND_INPUT_EMPTY): EXPAND_INPUT_EMPTY})  # known by being itself
    for task_id, body in {"analyst_report": lambda *_: None, **(instead or {})}.items():
        if task_id in dag.task_dict:
            dag.task_dict[task_id].python_callable = body
    for task in dag.tasks:
        task.retries = retries
        task.params = deepcopy(task.params)  # dag.test() writes what it was given into them, and they are shared
    dag.deadline = None  # Airflow 3.3.2's dag.test() cannot store one
    return dag.test(run_conf=params, run_after=at, **({"logical_date": at} if at else {}))


def states(finished: Any) -> dict[str, str]:
    """What became of each task of a run."""
    return {instance.task_id: str(instance.state) for instance in finished.get_task_instances()}


def returned(finished: Any, task_id: str) -> Any:
    """What a task of a run returned."""
    return finished.get_task_instance(task_id).xcom_pull(task_ids=task_id)


def small_project(folder: Path, **changes: Any) -> Path:
    """A project whose pipeline is ours and whose parameters are small; `changes` are those of top-level sections."""
    from tests.trained import PARAMS, SMALL

    folder.mkdir()
    for part in ("nextpick", "dvc.yaml", ".dvc", ".dvcignore", "data"):
        if (ROOT / part).exists():
            (folder / part).symlink_to(ROOT / part)
    params = yaml.safe_load(PARAMS.read_text())
    for section, values in SMALL.items():
        params[section].update(values)
    for section, values in changes.items():
        params[section] = values
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    return folder
