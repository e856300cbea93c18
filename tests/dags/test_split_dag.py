"""The DAG split, and that precompute keeps the challenger's lists as fresh as the live ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from nextpick import registry
from nextpick.settings import load_settings
from nextpick.store import release_log, traffic
from tests.integration.registry.conftest import LINEAGE
from tests.orchestrated import run, small_project, states
from tests.published import Version, another_bundle
from tests.slack_server import Slack

AT = datetime(2025, 11, 24, 2, tzinfo=UTC)
WHY = "is it any better?"


@pytest.fixture
def ready(
    world: psycopg.Connection, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> psycopg.Connection:
    """Release 1 of the champion, live, and release 2 of version 2, ready."""
    monkeypatch.setenv("NEXTPICK_PROJECT", str(small_project(tmp_path / "split")))
    settings = load_settings()
    for one in (version, another_bundle(version, tmp_path)):
        registry.register(settings, one.bundle_dir.parents[1], one.bundle_sha256, LINEAGE)
    registry.promote(settings, "1", force="a test")
    run("precompute", at=AT)
    run("precompute", at=AT, version="2", flip=False)
    return world


def shares(conn: psycopg.Connection) -> dict[str, tuple[int, float]]:
    found = {
        v: (release, share)
        for v, release, share in conn.execute("SELECT variant, release_id, share FROM nextpick.live")
    }
    conn.rollback()
    return found


def test_a_form_splits_the_traffic_precompute_keeps_both_fresh_and_share_0_ends_it(
    ready: psycopg.Connection, slack: Slack
) -> None:
    assert shares(ready) == {"default": (1, 1.0)}
    assert states(run("split", release="2", share=0.25, because=WHY)) == {"set_share": "success"}
    assert shares(ready) == {"default": (1, 0.75), "challenger": (2, 0.25)}
    assert "is the challenger: answers 25% of the users" in slack.texts()
    before = traffic.read(ready)
    assert states(run("precompute", at=AT + timedelta(days=1)))["refresh_challenger"] == "success"
    assert shares(ready) == {"default": (3, 0.75), "challenger": (4, 0.25)}
    now = traffic.read(ready)
    assert before is not None
    assert now is not None
    assert (now.salt, now.bundle_sha256) == (before.salt, before.bundle_sha256)
    cutoffs = ready.execute(
        "SELECT release_id, cutoff FROM nextpick.releases WHERE release_id > 2 ORDER BY 1"
    ).fetchall()
    assert cutoffs[0][1] <= cutoffs[1][1]
    assert run("split", share=0, because=WHY).state == "success"
    assert shares(ready) == {"default": (3, 1.0)}
    assert release_log.newest(ready, 1)[0].action == "unsplit"


def test_a_challenger_that_is_none_fails_at_once_and_says_why(ready: psycopg.Connection, slack: Slack) -> None:
    assert states(run("split", release="1", share=0.25, because=WHY)) == {"set_share": "failed"}
    assert "Release 1 cannot be the challenger: it is live" in slack.texts()
    assert shares(ready) == {"default": (1, 1.0)}


def test_a_share_for_nobody_ends_no_split(ready: psycopg.Connection, slack: Slack) -> None:
    run("split", release="2", share=0.25, because=WHY)
    assert states(run("split", share=0.5, because=WHY)) == {"set_share": "failed"}
    assert "A share of 0.5 was asked for, and no release: name the challenger" in slack.texts()
    assert shares(ready) == {"default": (1, 0.75), "challenger": (2, 0.25)}
