"""What was gone back from, or is older, goes live by a person with a reason and by nobody else."""

import shutil
from pathlib import Path

import psycopg
import pytest

from nextpick import registry
from nextpick.errors import GateRefused, ReleaseRefused
from nextpick.settings import Settings
from nextpick.stages import go_live, promote, rollback, settle
from nextpick.store import rejections, release_log, releases, standings
from tests.integration.release.generations import made, same
from tests.integration.rollback.conftest import away, champions, live


def test_a_release_of_a_rejected_bundle_goes_live_only_with_a_reason_and_then_all_comes_back(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    first, second = two
    rollback.run(conn, settings, who="anna", because="complaints")
    left = standings.get(conn, second)
    again = made(conn, same(), bundle=("2", left.bundle_uri, left.bundle_sha256), night=2)
    with pytest.raises(
        ReleaseRefused, match=rf"Version 2 was gone back from: anna: complaints.*--release {again} --be"
    ):
        go_live.run(conn, settings, again, who="airflow")
    assert live(conn) == first
    done = go_live.run(conn, settings, again, who="ben", because="the complaints were about the weather")
    assert (live(conn), done.before, done.behind) == (again, first, "")
    assert (champions(settings), registry.get(settings, "2").rejected) == ("2", "")
    assert rejections.every(conn) == {}
    entry, *_ = release_log.newest(conn, 1)
    assert (entry.who, entry.action) == ("ben", "force")
    assert "the weather (lifts the rejection of version 2 by anna: complaints)" in entry.reason


def test_a_forced_release_goes_live_though_mlflow_cannot_be_told(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    _, second = two
    rollback.run(conn, settings, who="anna", because="complaints")
    done = go_live.run(conn, away(settings), second, who="ben", because="no")
    assert live(conn) == second
    assert "nextpick promote 2 --because WHY" in done.behind


def test_older_lists_go_live_by_a_reason_only(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    first, second = two
    refusal = "Its lists are as of 2025-11-12 00:00 UTC, and those of the live release as of 2025-11-13 00:00"
    with pytest.raises(ReleaseRefused, match=refusal):
        go_live.run(conn, settings, first, who="airflow")
    assert go_live.run(conn, settings, second, who="airflow").before == second, "what is live stays so"
    go_live.run(conn, settings, first, who="ben", because="a bad load")
    assert live(conn) == first
    assert [entry.action for entry in release_log.newest(conn, 9)] == ["force", "publish", "publish"]


def test_a_release_whose_bundle_is_gone_does_not_go_live_whatever_the_reason(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    first, second = two
    shutil.rmtree(standings.get(conn, first).bundle_uri)
    with pytest.raises(ReleaseRefused, match=rf"Release {first} cannot go live: its bundle is not in "):
        go_live.run(conn, away(settings), first, who="ben", because="a bad load")
    assert live(conn) == second


def test_whoever_listens_hears_which_release_is_live(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int], database_url: str
) -> None:
    first, second = two
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN nextpick_live")
        rollback.run(conn, settings, who="a", because="no")
        go_live.run(conn, settings, second, who="a", because="yes")
        heard = [notice.payload for notice in listener.notifies(timeout=10, stop_after=2)]
    assert heard == [str(first), str(second)]


def test_a_promotion_by_hand_lifts_the_rejection_and_is_logged(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    rollback.run(conn, away(settings), who="anna", because="complaints")
    with pytest.raises(GateRefused, match="Version 2 was rejected: anna: complaints"):
        promote.run(settings, "2", conn=conn)
    promote.run(settings, "2", force="the weather", who="ben", conn=conn)
    settle.run(conn, settings)
    assert champions(settings) == "2"
    entry, *_ = release_log.newest(conn, 1)
    assert (entry.who, entry.action, entry.to_release) == ("ben", "force", None)
    assert entry.reason == "version 2 may be published again: the weather (it was rejected by anna: complaints)"


def test_the_gate_lets_no_bundle_through_that_postgres_knows_as_rejected(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextpick.models.bundle.load_bundle", lambda *_: None)
    rollback.run(conn, away(settings), who="anna", because="complaints")
    decision = promote.decide(settings, tmp_path, "2", conn)
    assert (decision.promote, decision.reasons) == (False, ("It was rejected: anna: complaints.",))


def test_a_rollback_waits_for_no_publish_and_a_publish_of_what_was_left_is_refused(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int], database_url: str
) -> None:
    first, second = two
    left = standings.get(conn, second)
    with psycopg.connect(database_url, autocommit=True) as publisher, releases.publish_lock(publisher):
        late = made(publisher, same(), bundle=("2", left.bundle_uri, left.bundle_sha256), night=2)
        rollback.run(conn, settings, who="a", because="no")
        with pytest.raises(ReleaseRefused, match="Version 2 was gone back from"):
            go_live.run(publisher, settings, late, who="airflow")
    assert live(conn) == first
