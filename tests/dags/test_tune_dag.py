"""The DAG tune on a small world."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from nextpick.errors import DataError
from nextpick.settings import load_settings
from nextpick.stages import tune
from tests.orchestrated import returned, run, states
from tests.published import Version


def test_a_search_leaves_a_proposal_and_its_log_ends_with_it(
    home: Path, version: Version, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = home / "runs" / "tune.r1"
    shutil.copytree(version.bundle_dir.parents[1], folder)
    finished = run("tune", instead={"prepare": lambda: str(folder)}, minutes=60, trials=4)
    assert states(finished) == {"prepare": "success", "search": "success"}
    proposed = home / "tuning" / "tune.r1" / "params.yaml"
    assert returned(finished, "search") == str(proposed)
    assert proposed.exists()
    assert "After 4 trials, each on" in capfd.readouterr().out


def test_it_can_be_begun_without_being_switched_on_and_never_begins_by_itself(bag: Any) -> None:
    dag = bag.dags["tune"]
    assert dag.is_paused_upon_creation is False
    assert dag.timetable.can_be_scheduled is False


def test_a_search_is_prepared_from_the_newest_snapshot(home: Path, conn: Any) -> None:
    with pytest.raises(DataError, match="No snapshot has been taken yet"):
        tune.prepare(load_settings(), conn, run_id="tune.r1")
