"""The DAG precompute, run by Airflow: blocks are filled by tasks of their own, and none twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nextpick import registry
from nextpick.errors import StoreError
from nextpick.settings import load_settings
from nextpick.stages import precompute
from nextpick.store import releases
from tests.integration.registry.conftest import LINEAGE
from tests.orchestrated import run, small_project
from tests.published import USERS, Version, another_bundle

AT = datetime(2025, 11, 24, 2, tzinfo=UTC)
ALONE = ("refresh_challenger", "skipped")  # traffic is not split
DONE = {("plan", "success"): 1, ("fill", "success"): 3, ("finish", "success"): 1, ("compare", "success"): 1}


@pytest.fixture
def champion(
    world: psycopg.Connection, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> psycopg.Connection:
    """The world with a champion, and users in blocks of ten."""
    project = small_project(tmp_path / "blocks", publish={"users_per_block": 10})
    monkeypatch.setenv("NEXTPICK_PROJECT", str(project))
    settings = load_settings()
    found = registry.register(settings, version.bundle_dir.parents[1], version.bundle_sha256, LINEAGE)
    registry.promote(settings, found.version, force="a test")
    return world


def ends(finished: Any) -> Counter[tuple[str, str]]:
    """How many of each task ended how."""
    return Counter((instance.task_id, str(instance.state)) for instance in finished.get_task_instances())


def test_three_blocks_are_filled_by_three_tasks_and_one_makes_all_of_them_live(champion: psycopg.Connection) -> None:
    finished = run("precompute", at=AT)
    assert ends(finished) == {**DONE, ("go_live", "success"): 1, ALONE: 1}
    live = releases.live(champion)
    assert live is not None
    row = champion.execute("SELECT status, users, run_id FROM nextpick.releases").fetchone()
    assert row == ("ready", len(USERS), f"precompute.{finished.run_id}")


def test_a_block_that_failed_is_all_that_another_try_does(
    champion: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, filled = precompute.fill, []

    def fill(conn: psycopg.Connection, release_id: int, *blocks: int, **more: Any) -> None:
        filled.extend(blocks)
        if filled.count(1) == 1 and 1 in blocks:
            raise StoreError("the worker is gone")
        real(conn, release_id, *blocks, **more)

    monkeypatch.setattr(precompute, "fill", fill)
    broken = ends(run("precompute", at=AT))
    assert broken[("fill", "failed")] == 1
    assert broken[("go_live", "upstream_failed")] == 1
    assert releases.live(champion) is None
    again = ends(run("precompute", at=AT))
    assert again == {**DONE, ("fill", "success"): 1, ("go_live", "success"): 1, ALONE: 1}
    assert sorted(filled) == [0, 1, 1, 2]
    assert champion.execute("SELECT release_id, status FROM nextpick.releases").fetchall() == [(1, "ready")]


def test_no_more_tasks_fill_the_blocks_than_params_yaml_says(
    champion: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = small_project(tmp_path / "two", publish={"users_per_block": 5, "tasks": 2})
    monkeypatch.setenv("NEXTPICK_PROJECT", str(project))
    finished = ends(run("precompute", at=AT))
    assert finished == {**DONE, ("fill", "success"): 2, ("go_live", "success"): 1, ALONE: 1}
    assert champion.execute("SELECT users FROM nextpick.releases").fetchone() == (len(USERS),)


def test_a_release_may_only_be_made_ready(champion: psycopg.Connection) -> None:
    assert ends(run("precompute", at=AT, flip=False)) == {**DONE, ("go_live", "skipped"): 1, ALONE: 1}
    assert releases.live(champion) is None


def test_the_night_after_a_rollback_makes_lists_with_the_model_before(
    champion: psycopg.Connection, version: Version, tmp_path: Path
) -> None:
    run("precompute", at=AT)
    settings, other = load_settings(), another_bundle(version, tmp_path)
    found = registry.register(settings, other.bundle_dir.parents[1], other.bundle_sha256, LINEAGE)
    registry.promote(settings, found.version, force="a test")
    run("precompute", at=AT + timedelta(days=1))
    assert live(champion) == (2, "2")
    assert ends(run("rollback", because="complaints about tea"))[("go_back", "success")] == 1
    assert live(champion) == (1, "1")
    assert ends(run("precompute", at=AT + timedelta(days=2)))[("go_live", "success")] == 1
    assert live(champion) == (3, "1")
    assert ends(run("precompute", at=AT + timedelta(days=3), version="2"))[("go_live", "failed")] == 1
    assert live(champion) == (3, "1")


def live(conn: psycopg.Connection) -> tuple[int, str] | None:
    """Release and model version that are served."""
    found = releases.live(conn)
    return (found.release_id, found.model_version) if found else None
