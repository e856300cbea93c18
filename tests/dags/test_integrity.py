"""What the DAGs are, before any of them runs."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
IDS = {"data_prep", "retrain", "precompute", "drift_report", "tune", "housekeeping", "rollback", "split"}
HEAVY = {
    "pandas",
    "numpy",
    "pyarrow",
    "mlflow",
    "lightgbm",
    "implicit",
    "evidently",
    "dvc",
    "psycopg",
    "scipy",
    "fastapi",
}
PARSE_SECONDS = 2.0  # of CPU, for all files together, airflow.sdk already imported


def test_every_file_parses_into_its_dag(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == IDS


def test_retrain_runs_the_stages_of_dvc_yaml_in_their_order_then_registers_and_asks_the_gate(bag: Any) -> None:
    downstream = {task.task_id: task.downstream_task_ids for task in bag.dags["retrain"].tasks}
    stages = {"dvc.data_prep", "dvc.train_collab", "dvc.train_ranker", "dvc.evaluate"}
    assert downstream == {
        "checkout": {*stages, "register", "gate", "approve", "analyst_report"},
        "dvc.data_prep": {"dvc.train_collab", "dvc.train_ranker", "dvc.evaluate"},
        "dvc.train_collab": {"dvc.train_ranker", "dvc.evaluate"},
        "dvc.train_ranker": {"dvc.evaluate"},
        "dvc.evaluate": {"register"},
        "register": {"gate", "approve", "promote", "refused", "analyst_report"},
        "gate": {"approve", "promote", "refused"},
        "approve": {"promote", "refused"},
        "promote": set(),
        "refused": set(),
        "analyst_report": set(),
    }


@pytest.mark.parametrize(
    ("dag_id", "task_id", "makes"),
    [
        ("data_prep", "export", "snapshot"),
        ("retrain", "promote", "champion"),
        ("precompute", "go_live", "release"),
        ("drift_report", "request_retrain", "drifted"),
    ],
)
def test_an_asset_is_made_by_one_task(bag: Any, dag_id: str, task_id: str, makes: str) -> None:
    tasks = [(dag.dag_id, task) for dag in bag.dags.values() for task in dag.tasks]
    makers = {(maker, task.task_id) for maker, task in tasks for asset in task.outlets if asset.name == makes}
    assert makers == {(dag_id, task_id)}


def test_each_dag_waits_for_what_it_needs(bag: Any) -> None:
    def waits_for(dag_id: str) -> set[str]:
        condition = bag.dags[dag_id].timetable.asset_condition
        return {asset.name for asset in getattr(condition, "objects", [condition])}

    assert waits_for("data_prep") == {"drifted"}
    assert waits_for("retrain") == {"snapshot"}
    assert waits_for("precompute") == {"snapshot", "champion"}
    assert waits_for("drift_report") == {"release"}


def test_lists_are_fresh_whatever_becomes_of_the_training(bag: Any) -> None:
    from airflow.sdk import AssetAny

    assert isinstance(bag.dags["precompute"].timetable.asset_condition, AssetAny)  # a snapshot alone is enough


def test_dags_survive_serialization(bag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in bag.dags.values():
        stored = json.loads(json.dumps(DagSerialization.to_dict(dag)))
        assert DagSerialization.from_dict(stored).task_ids == dag.task_ids


def test_each_page_says_what_the_dag_does_and_what_to_do_when_it_fails(bag: Any) -> None:
    for dag in bag.dags.values():
        assert dag.doc_md.startswith("### "), dag.dag_id
        assert "fails" in dag.doc_md, dag.dag_id


def test_each_field_of_a_form_has_a_title_and_a_description(bag: Any) -> None:
    for dag in bag.dags.values():
        assert dag.params, dag.dag_id
        for name in dag.params:
            field = dag.params.get_param(name)
            assert field.schema["title"], f"{dag.dag_id}.{name}"
            assert field.description, f"{dag.dag_id}.{name}"


@pytest.mark.parametrize(
    ("dag_id", "name", "value"),
    [
        ("data_prep", "cutoff", 2025),
        ("retrain", "snapshot", "the newest"),
        ("retrain", "promote_because", "because"),
        ("precompute", "version", "champion"),
        ("tune", "trials", 0),
        ("rollback", "release", "the last"),
        ("drift_report", "as_of", 7),
    ],
)
def test_a_form_refuses_what_makes_no_sense(bag: Any, dag_id: str, name: str, value: object) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    field = bag.dags[dag_id].params.get_param(name)
    assert field.resolve(None) is None
    with pytest.raises(ParamValidationError):
        field.resolve(value)


@pytest.mark.parametrize("reason", [None, "because"])
def test_nobody_goes_back_without_a_reason(bag: Any, reason: str | None) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        bag.dags["rollback"].params.get_param("because").resolve(reason)


def test_runs_never_overlap_and_always_end(bag: Any) -> None:
    for dag in bag.dags.values():
        assert (dag.max_active_runs, dag.catchup) == (1, False), dag.dag_id
        assert timedelta(0) < dag.dagrun_timeout <= timedelta(hours=6), dag.dag_id
        assert len(dag.deadline) == 1, dag.dag_id
        for task in dag.tasks:
            assert task.execution_timeout <= dag.dagrun_timeout, task.task_id
            assert task.retries == 2, task.task_id


def test_all_that_runs_dvc_shares_one_slot(bag: Any) -> None:
    pooled = {task.task_id for dag in bag.dags.values() for task in dag.tasks if task.pool == "dvc"}
    stages = {"dvc.data_prep", "dvc.train_collab", "dvc.train_ranker", "dvc.evaluate"}
    assert pooled == {"export", "checkout", "register", "prepare", "tidy", *stages}


def test_bad_data_is_not_tried_again_and_a_lost_connection_is(bag: Any) -> None:
    from airflow.sdk import RetryAction

    from nextpick.errors import (
        BundleError,
        ConfigError,
        DataError,
        GateRefused,
        ReleaseRefused,
        StoreError,
        UpkeepError,
    )

    for dag in bag.dags.values():
        for task in dag.tasks:
            for hopeless in (DataError, ConfigError, BundleError, GateRefused, ReleaseRefused, UpkeepError):
                assert task.retry_policy.evaluate(hopeless("x"), 1, 3).action == RetryAction.FAIL
            for passing in (StoreError, ConnectionError):
                assert task.retry_policy.evaluate(passing("x"), 1, 3).action == RetryAction.DEFAULT


@pytest.mark.parametrize("dag_id", ["data_prep", "drift_report", "housekeeping"])
def test_the_first_night_is_waited_for_and_of_missed_nights_the_last_is_caught_up(bag: Any, dag_id: str) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import DataInterval, TimeRestriction

    timetable = coerce_to_core_timetable(bag.dags[dag_id].timetable)
    rules = TimeRestriction(earliest=bag.dags[dag_id].start_date, latest=None, catchup=bag.dags[dag_id].catchup)

    def after(last: datetime | None) -> datetime:
        interval = None if last is None else DataInterval.exact(last)
        return timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=rules).run_after

    now = datetime.now(UTC)
    first = after(None)
    assert now < first <= now + timedelta(days=1)
    week_ago = first - timedelta(days=7)
    assert after(week_ago) == first - timedelta(days=1)
    assert after(first - timedelta(days=1)) == first


def test_parsing_imports_nothing_heavy_and_is_quick() -> None:
    code = f"""
import sys, time
import airflow.sdk
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
start = time.process_time()
bag = DagBag(dag_folder={str(ROOT / "dags")!r})
assert not bag.import_errors, bag.import_errors
print(time.process_time() - start, *sorted({HEAVY!r} & (set(sys.modules) - before)))
"""
    seconds, *heavy = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()[-1].split()
    assert heavy == []
    assert float(seconds) < PARSE_SECONDS
