"""Going back to an earlier release: what goes back with it, and what is refused."""

import shutil
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nextpick import registry
from nextpick.errors import ConfigError, GateRefused, RegistryError, ReleaseRefused, StoreError
from nextpick.models import manifest
from nextpick.release.publish import drop
from nextpick.settings import Settings
from nextpick.stages import rollback, settle
from nextpick.store import lists, rejections, release_log, releases, standings
from tests.integration.registry.conftest import LINEAGE
from tests.integration.release.generations import made, same
from tests.integration.rollback.conftest import Champion, away, champions, live, published


def test_going_back_takes_the_release_the_champion_and_the_rejection_along(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    first, second = two
    done = rollback.run(conn, settings, who="anna", because="complaints about tea")
    assert (done.left.release_id, done.to.release_id, done.rejected, done.behind) == (second, first, "2", "")
    assert live(conn) == first
    assert standings.get(conn, second).status == "rejected"
    assert standings.get(conn, second).reasons == ("anna: complaints about tea",)
    assert champions(settings) == "1"
    assert registry.get(settings, "2").rejected == "anna: complaints about tea"
    entry, *_ = release_log.newest(conn, 1)
    assert (entry.who, entry.action, entry.from_release, entry.to_release, entry.reason) == (
        "anna",
        "rollback",
        second,
        first,
        "complaints about tea",
    )
    with pytest.raises(GateRefused, match="Version 2 was rejected: anna: complaints about tea"):
        registry.promote(settings, "2")


def test_of_two_releases_of_one_bundle_the_earlier_is_gone_back_to_and_the_bundle_stays_good(
    conn: psycopg.Connection, settings: Settings, champion: Champion
) -> None:
    version = champion("a")
    first, second = (published(conn, settings, version, night) for night in (0, 1))
    done = rollback.run(conn, settings, who="anna", because="a bad load")
    assert (live(conn), done.rejected, rejections.every(conn)) == (first, "", {})
    assert standings.get(conn, second).status == "rejected"
    assert registry.get(settings, "1").rejected == ""
    published(conn, settings, version, 2)


def test_with_mlflow_away_going_back_works_and_the_next_run_tells_it(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    first, _ = two
    done = rollback.run(conn, away(settings), who="anna", because="complaints")
    assert live(conn) == first
    assert "The next publish tells it" in done.behind
    assert champions(settings) == "2"
    for _ in range(2):
        settle.run(conn, settings)
        assert champions(settings) == "1"
        assert registry.get(settings, "2").rejected == "anna: complaints"
    settle.run(None, settings)


def test_a_settled_mlflow_makes_no_rejected_bundle_challenger_when_it_is_trained_again(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int], tmp_path: Path
) -> None:
    rollback.run(conn, away(settings), who="anna", because="complaints")
    settle.run(conn, settings)
    _, sha256, *_ = manifest.read(tmp_path / "run b" / "models" / "bundle")
    again = registry.register(settings, tmp_path / "run b", sha256, LINEAGE)
    assert (again.version, again.aliases) == ("2", frozenset())


def test_a_rollback_that_is_tried_again_goes_no_further(
    conn: psycopg.Connection, settings: Settings, champion: Champion
) -> None:
    first, second, third = (published(conn, settings, champion(text), night) for night, text in enumerate("abc"))
    assert rollback.choose(conn, settings) == second
    tries = [rollback.run(conn, away(settings), second, who="anna", because="no")]
    tries.append(rollback.run(conn, settings, second, who="anna", because="no"))
    assert [(one.left.release_id, one.to.release_id, one.rejected) for one in tries] == [(third, second, "3")] * 2
    assert (live(conn), champions(settings)) == (second, "2")
    assert [entry.action for entry in release_log.newest(conn, 9)] == ["rollback", *["publish"] * 3]
    assert "MLflow does not know yet" in rollback.told(tries[0])[-1]
    assert rollback.told(tries[1])[0] == f"Release {second} is live again, release {third} is not: 0 ms."
    assert rollback.run(conn, settings, first, who="anna", because="no").left.release_id == second


def test_nothing_to_settle_asks_mlflow_nothing(conn: psycopg.Connection, settings: Settings) -> None:
    settle.run(conn, away(settings))


def test_one_goes_back_further_each_time_and_past_what_is_no_good(
    conn: psycopg.Connection, settings: Settings, champion: Champion
) -> None:
    ids = [published(conn, settings, champion(text), night) for night, text in enumerate("abcd")]
    blocked = made(conn, same(), night=9, status="blocked")
    assert blocked > ids[-1]
    shutil.rmtree(standings.get(conn, ids[1]).bundle_uri)
    went = [rollback.run(conn, away(settings), who="a", because="no").to.release_id for _ in range(2)]
    assert went == [ids[2], ids[0]]
    with pytest.raises(ReleaseRefused, match=f"There is no release before {ids[0]} to go back to"):
        rollback.run(conn, settings, who="a", because="no")


def test_what_was_never_live_is_no_way_back_and_what_is_older_than_the_log_is(
    conn: psycopg.Connection, settings: Settings, champion: Champion
) -> None:
    """A release that was only made ready, or whose run died before it was compared, is not what people knew."""
    first = published(conn, settings, version := champion("a"), 0)
    bundle = (version.version, str(version.bundle_dir), version.bundle_sha256)
    ready = made(conn, same(), bundle=bundle, night=1)
    live_now = published(conn, settings, version, 2)
    assert rollback.choose(conn, settings) == first
    expected = f"release {ready}: it was never live: nextpick publish --release {ready}. .*gone back to: {first}\\."
    with pytest.raises(ReleaseRefused, match=expected):
        rollback.run(conn, settings, ready, who="a", because="no")
    assert live(conn) == live_now
    conn.execute("UPDATE nextpick.releases SET run_id = '' WHERE release_id = %s", (ready,))  # as that code left it
    assert rollback.choose(conn, settings) == ready


def test_a_bundle_that_is_not_here_is_fetched_from_mlflow(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    first, _ = two
    folder = Path(standings.get(conn, first).bundle_uri)
    shutil.rmtree(folder)
    assert rollback.run(conn, settings, who="a", because="no").to.release_id == first
    assert (folder / "ranker.txt").read_text() == "a"


def dropped(conn: psycopg.Connection, release_id: int, _: Path) -> None:
    conn.execute(f"DROP TABLE nextpick.lists_{release_id}, nextpick.release_items_{release_id}")
    conn.execute("UPDATE nextpick.releases SET status = 'dropped' WHERE release_id = %s", (release_id,))


def without_lists(conn: psycopg.Connection, release_id: int, _: Path) -> None:
    conn.execute(f"ALTER TABLE nextpick.lists DETACH PARTITION nextpick.lists_{release_id}")


def without_items(conn: psycopg.Connection, release_id: int, _: Path) -> None:
    conn.execute(f"TRUNCATE nextpick.release_items_{release_id}")


def with_another_bundle(conn: psycopg.Connection, release_id: int, folder: Path) -> None:
    (folder / "ranker.txt").write_text("evil")


def half_built(conn: psycopg.Connection, release_id: int, _: Path) -> None:
    conn.execute("UPDATE nextpick.releases SET status = 'building' WHERE release_id = %s", (release_id,))


@pytest.mark.parametrize(
    ("breaking", "why"),
    [
        (dropped, "its lists are no longer in the database"),
        (without_lists, "its lists are no longer in the database"),
        (without_items, "its items are no longer in the database"),
        (with_another_bundle, "its bundle cannot be used.*was changed"),
        (half_built, "it is building"),
    ],
)
def test_what_is_broken_is_not_gone_back_to_and_what_is_whole_is_named(
    conn: psycopg.Connection, settings: Settings, champion: Champion, breaking: Any, why: str
) -> None:
    whole, broken, now = (published(conn, settings, champion(text), night) for night, text in enumerate("abc"))
    breaking(conn, broken, Path(standings.get(conn, broken).bundle_uri))
    with pytest.raises(ReleaseRefused, match=f"Cannot go back to release {broken}: {why}.*gone back to: {whole}\\."):
        rollback.run(conn, settings, broken, who="a", because="no")
    assert live(conn) == now
    assert rollback.run(conn, settings, who="a", because="no").to.release_id == whole


def test_the_live_one_and_later_and_rejected_ones_are_no_way_back(
    conn: psycopg.Connection, settings: Settings, champion: Champion
) -> None:
    first, second, third = (published(conn, settings, champion(text), night) for night, text in enumerate("abc"))
    with pytest.raises(ReleaseRefused, match=f"Cannot go back to release {third}: it is live. .*: {second}, {first}"):
        rollback.run(conn, settings, third, who="a", because="no")
    rollback.run(conn, settings, first, who="a", because="no")
    with pytest.raises(ReleaseRefused, match=f"{second}: it was made after the live one: nextpick publish --release"):
        rollback.run(conn, settings, second, who="a", because="no")
    with pytest.raises(ReleaseRefused, match=f"release {third}: it is rejected: a: no. There is none"):
        rollback.run(conn, settings, third, who="a", because="no")


def test_before_the_first_release_and_without_a_reason_nothing_happens(
    conn: psycopg.Connection, settings: Settings
) -> None:
    with pytest.raises(ReleaseRefused, match="No release is live, so there is nothing to go back from"):
        rollback.run(conn, settings, who="a", because="no")
    with pytest.raises(ConfigError, match="The reason is empty"):
        rollback.run(conn, settings, who="a", because=" ")


def test_a_fault_of_mlflow_that_is_no_outage_is_no_silence(conn: psycopg.Connection, settings: Settings) -> None:
    with pytest.raises(RegistryError, match="not found"):
        registry.went_back(settings, "7", "", "no")


def test_a_release_that_is_gone_back_to_is_not_dropped_meanwhile(
    conn: psycopg.Connection,
    settings: Settings,
    two: tuple[int, int],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, _ = two
    flip, said, threads = releases.flip, [], []

    def dropping() -> None:
        with psycopg.connect(database_url, autocommit=True) as janitor:
            try:
                drop(janitor, first)
            except StoreError as error:
                said.append(str(error))

    def meanwhile(*arguments: Any) -> None:
        flip(*arguments)
        threads.append(threading.Thread(target=dropping))
        threads[0].start()
        threads[0].join(0.3)
        assert threads[0].is_alive(), "it does not wait for the end of the flip"

    monkeypatch.setattr(releases, "flip", meanwhile)
    rollback.run(conn, settings, who="a", because="no")
    threads[0].join()
    assert said == [f"Release {first} has just been made live, so its lists stay."]
    assert standings.get(conn, first).there


def test_what_a_killed_run_left_of_a_dropped_release_is_dropped_by_the_next(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = two
    with monkeypatch.context() as patch:
        patch.setattr(lists, "drop", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            drop(conn, first)
    with pytest.raises(ReleaseRefused, match=f"Cannot go back to release {first}: its lists are no longer in the data"):
        rollback.run(conn, settings, first, who="a", because="no")
    assert releases.beyond(conn, 3) == (first,)
    drop(conn, first)
    assert releases.beyond(conn, 3) == ()
    assert not standings.get(conn, first).there
