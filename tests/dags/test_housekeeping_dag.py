"""The DAG housekeeping, run: Airflow's own command on its own database, and red where somebody should look."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.orchestrated import run, small_project, states
from tests.slack_server import Slack


@pytest.fixture
def stray(world: psycopg.Connection) -> psycopg.Connection:
    world.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at) "
        "VALUES ('far', 'u', 'i', 'view', '2031-05-06T00:00Z')"
    )
    return world


def test_all_parts_are_done_airflows_own_database_included(
    world: psycopg.Connection, capfd: pytest.CaptureFixture[str]
) -> None:
    assert states(run("housekeeping")) == {"tidy": "success"}
    said = capfd.readouterr().out
    assert "rows of Airflow's database from before" in said
    ahead = f"events_{datetime.now(UTC):%Y_%m}"
    assert world.execute("SELECT to_regclass(%s)", (f"nextpick.{ahead}",)).fetchone() != (None,)


def test_rows_that_strayed_make_the_task_red_at_once_and_slack_hears_of_them(
    stray: psycopg.Connection, tmp_path: Path, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = small_project(tmp_path / "other", retention={"airflow_days": None})
    monkeypatch.setenv("NEXTPICK_PROJECT", str(project))
    finished = run("housekeeping", retries=2)
    assert states(finished) == {"tidy": "failed"}
    assert finished.get_task_instance("tidy").try_number == 1
    assert "1 rows were in events_default, which should be empty: of 2031-05" in slack.texts()
    assert stray.execute("SELECT count(*) FROM nextpick.events WHERE event_id = 'far'").fetchone() == (1,)
