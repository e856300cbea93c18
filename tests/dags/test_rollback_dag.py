"""The DAG rollback, and what the DAG precompute does with a release that changes too much: releases made by hand."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nextpick import registry
from nextpick.models import manifest
from nextpick.settings import load_settings
from nextpick.stages import go_live
from nextpick.store import release_log, releases
from tests.dags.conftest import buttons
from tests.integration.registry.conftest import LINEAGE
from tests.integration.release.generations import made, same
from tests.orchestrated import run, states
from tests.slack_server import Slack


@pytest.fixture
def two(home: Path, conn: psycopg.Connection, tmp_path: Path) -> tuple[int, int]:
    """Releases of versions 1 and 2, the second live and its version champion; statements commit by themselves."""
    conn.autocommit = True
    settings, ids = load_settings(), []
    for night, text in enumerate("ab"):
        folder = tmp_path / text
        sha256 = manifest.write({"ranker.txt": text.encode()}, folder / "models" / "bundle")
        (folder / "metrics.json").write_text("{}")
        (folder / "params.yaml").write_text("seed: 42\n")
        version = registry.register(settings, folder, sha256, LINEAGE)
        registry.promote(settings, version.version, force="a test")
        bundle = (version.version, str(version.bundle_dir), sha256)
        ids.append(made(conn, same(), bundle=bundle, night=night, run=version.lineage["mlflow_run_id"]))
        go_live.run(conn, settings, ids[-1], who="a test")
    return ids[0], ids[1]


def live(conn: psycopg.Connection) -> int | None:
    found = releases.live(conn)
    return found.release_id if found else None


def test_a_form_with_a_reason_goes_back_and_everybody_hears_of_it(
    two: tuple[int, int], conn: psycopg.Connection, slack: Slack
) -> None:
    first, second = two
    finished = run("rollback", because="complaints about tea")
    assert states(finished) == {"choose": "success", "go_back": "success"}
    assert live(conn) == first
    champion = registry.champion(load_settings())
    assert champion is not None
    assert champion.version == "1"
    assert registry.get(load_settings(), "2").rejected == "dag_test: complaints about tea"
    assert release_log.newest(conn, 1)[0].who == "dag_test"
    assert f"Release {first} is live again, release {second} is not" in slack.texts()
    assert "dag_test: complaints about tea" in slack.texts()


def test_nowhere_to_go_back_to_fails_at_once_and_says_so(
    two: tuple[int, int], conn: psycopg.Connection, slack: Slack
) -> None:
    first, second = two
    finished = run("rollback", retries=2, release=str(second), because="complaints about tea")
    assert states(finished) == {"choose": "success", "go_back": "failed"}
    assert finished.get_task_instance("go_back").try_number == 1
    assert f"Cannot go back to release {second}: it is live. These can be gone back to: {first}." in slack.texts()
    assert live(conn) == second


@pytest.fixture
def precompute(two: tuple[int, int], conn: psycopg.Connection) -> Callable[..., Any]:
    """Runs precompute as if it had built a release in which no user's list is what it was."""
    bundle = registry.get(load_settings(), "2")
    about = (bundle.version, str(bundle.bundle_dir), bundle.bundle_sha256)
    release_id = made(conn, same(first=12), bundle=about, night=2, run=bundle.lineage["mlflow_run_id"])
    built = {"plan": lambda: [{"release_id": release_id, "blocks": []}], "fill": lambda **_: None}
    return partial(run, "precompute", instead={**built, "finish": lambda *_: release_id})


def test_a_release_that_changes_too_much_is_red_and_told_and_what_is_live_stays(
    precompute: Callable[..., Any], two: tuple[int, int], conn: psycopg.Connection, slack: Slack
) -> None:
    finished = precompute(retries=2)
    assert {**states(finished), "fill": ""} == {
        "plan": "success",
        "fill": "",
        "finish": "success",
        "compare": "failed",
        "go_live": "upstream_failed",
        "refresh_challenger": "upstream_failed",
    }
    assert finished.get_task_instance("compare").try_number == 1
    assert live(conn) == two[1]
    assert "precompute: compare failed" in slack.texts()
    assert "Release 3 is blocked, and what is live stays: 0.0% of the first 10 items are the same" in slack.texts()


def test_with_a_reason_it_goes_live_all_the_same_and_a_button_leads_to_what_it_changed(
    precompute: Callable[..., Any], conn: psycopg.Connection, airflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextpick.artifacts.put", lambda *_: "http://mlflow/artifacts")
    finished = precompute(because="a new season begins")
    assert states(finished)["go_live"] == "success"
    assert live(conn) == 3
    entry, blocked = release_log.newest(conn, 2)
    assert (entry.action, entry.who, entry.reason) == ("force", "dag_test", "a new season begins")
    assert (blocked.action, blocked.who) == ("block", f"precompute.{finished.run_id}")
    assert buttons(airflow, finished, "compare") == {"What the release changes": "http://mlflow/artifacts/diff.md"}
