"""The DAG rollback, run by Airflow, on releases made by hand."""

from pathlib import Path

import psycopg
import pytest

from nextpick import registry
from nextpick.models import manifest
from nextpick.settings import load_settings
from nextpick.store import release_log, releases
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
        releases.flip(conn, ids[-1])
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
