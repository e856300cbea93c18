"""A release in the making: block by block, by whoever is alive, and by one at a time."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from time import sleep

import psycopg
import pytest

from nextpick.errors import StoreError
from nextpick.release import publish
from nextpick.release.list_block import ListBlock
from nextpick.store import blocks, building, erasure, lists, releases
from nextpick.store.building import IDLE_SECONDS, Building
from tests.integration.release.blocks import BLOCK, CUTOFF, USERS, begin, build, draft, lists_of, seed


@pytest.fixture
def conn(conn: psycopg.Connection) -> psycopg.Connection:
    """A connection to a database with users in it."""
    seed(conn)
    return conn


@pytest.fixture
def another(conn: psycopg.Connection, database_url: str) -> Iterator[psycopg.Connection]:
    """A second session, each statement its own transaction."""
    with psycopg.connect(database_url, autocommit=True) as other:
        yield other


def make(_: Building, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
    yield lists_of(user_ids, 1.0)


def idle(conn: psycopg.Connection, release_id: int) -> None:
    """Let the release's builder have been silent for long."""
    conn.execute(
        "UPDATE nextpick.releases SET touched_at = now() - %s WHERE release_id = %s",
        (timedelta(seconds=IDLE_SECONDS + 1), release_id),
    )


def test_users_who_did_something_that_counts_in_time_are_cut_into_blocks_by_id(conn: psycopg.Connection) -> None:
    conn.execute("INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at) VALUES "
                 "('a', 'looks only', 'i0', 'view', %(before)s), ('b', 'too late', 'i0', 'purchase', %(cutoff)s)",
                 {"before": CUTOFF - timedelta(hours=1), "cutoff": CUTOFF})  # fmt: skip
    conn.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, received_at) VALUES "
        "('c', 'told too late', 'i0', 'purchase', %s, now() + interval '1 hour')",
        (CUTOFF - timedelta(hours=1),),
    )
    conn.commit()
    release_id = begin(conn, draft(users_per_block=15))
    found = conn.execute("SELECT user_ids FROM nextpick.release_blocks ORDER BY block").fetchall()
    assert [len(row[0]) for row in found] == [15, 15, 10]
    assert [user for row in found for user in row[0]] == sorted(f"юзер {n}" for n in range(USERS))
    assert blocks.to_do(conn, release_id) == {0: 15, 1: 15, 2: 10}


def test_a_block_that_is_done_is_not_done_again_and_what_is_not_done_is_named(conn: psycopg.Connection) -> None:
    release_id = begin(conn, draft())
    assert publish.fill(conn, release_id, 1, make)
    assert not publish.fill(conn, release_id, 1, lambda *_: pytest.fail("it was computed again"))
    with pytest.raises(StoreError, match=rf"3 blocks of release {release_id} are not done: 0, 2, 3\. Fill them first"):
        publish.finish(conn, release_id)
    with pytest.raises(StoreError, match=f"Release {release_id} has no block 4"):
        publish.fill(conn, release_id, 4, make)
    for block in (0, 2, 3):
        publish.fill(conn, release_id, block, make)
    for _ in range(2):  # what is whole may be finished again, and its blocks filled, to no effect
        publish.finish(conn, release_id)
        assert not publish.fill(conn, release_id, 1, lambda *_: pytest.fail("it was computed again"))


def test_a_block_that_fails_leaves_nothing_of_itself(conn: psycopg.Connection) -> None:
    def fails(_: Building, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
        yield lists_of(user_ids[:5], 1.0)
        raise ZeroDivisionError

    release_id = begin(conn, draft())
    with pytest.raises(ZeroDivisionError):
        publish.fill(conn, release_id, 0, fails)
    assert lists.count(conn, release_id)[0] == 0
    assert blocks.to_do(conn, release_id)[0] == BLOCK


@pytest.mark.parametrize("more", [-1, 1])
def test_a_block_with_other_lists_than_users_is_not_written(conn: psycopg.Connection, more: int) -> None:
    def miscounts(_: Building, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
        yield lists_of(user_ids[:more] if more < 0 else (*user_ids, "one more"), 1.0)

    release_id = begin(conn, draft())
    with pytest.raises(StoreError, match=f"Block 2 of release {release_id} has 10 users, and {10 + more} lists were"):
        publish.fill(conn, release_id, 2, miscounts)
    assert lists.count(conn, release_id)[0] == 0
    assert list(blocks.to_do(conn, release_id)) == [0, 1, 2, 3]


def test_an_erasure_that_is_under_way_is_waited_for(conn: psycopg.Connection, another: psycopg.Connection) -> None:
    release_id = begin(conn, draft())
    filled: list[tuple[str, ...]] = []

    def noting(_: Building, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
        filled.append(user_ids)
        yield lists_of(user_ids, 1.0)

    filling = threading.Thread(target=publish.fill, args=(conn, release_id, 0, noting))
    with another.transaction():
        erasure.erase(another, "юзер 0")
        filling.start()
        filling.join(0.5)
        assert filling.is_alive(), "it did not wait"
    filling.join()
    ((users,),) = [filled]
    assert len(users) == BLOCK - 1
    assert "юзер 0" not in users


def test_a_plan_that_takes_long_is_no_idle_run(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    real = blocks.plan
    monkeypatch.setattr(blocks, "plan", lambda *arguments: (sleep(0.5), real(*arguments)))
    begin(conn, draft())
    (release,) = building.half_built(conn)
    assert release.idle_seconds < 0.5


def test_blocks_are_filled_side_by_side_but_none_by_two(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "HELD_SECONDS", 0.05)
    release_id = begin(conn, draft())
    begun, go = threading.Event(), threading.Event()

    def slow(_: Building, user_ids: tuple[str, ...]) -> Iterator[ListBlock]:
        begun.set()
        go.wait(60)
        yield lists_of(user_ids, 1.0)

    def other() -> None:
        with psycopg.connect(database_url) as second:
            publish.fill(second, release_id, 0, slow)

    thread = threading.Thread(target=other)
    thread.start()
    try:
        assert begun.wait(60)
        assert publish.fill(conn, release_id, 1, make)
        with pytest.raises(StoreError, match=f"Block 0 of release {release_id} is being filled by another process"):
            publish.fill(conn, release_id, 0, make)
        idle(conn, release_id)
        with pytest.raises(StoreError, match=r"Another run, dag\.1, is building release"):
            begin(conn, draft("command.2", CUTOFF - timedelta(days=1)), wait_seconds=0.01)
    finally:
        go.set()
        thread.join()
    assert list(blocks.to_do(conn, release_id)) == [2, 3]


@pytest.fixture(autouse=True)
def as_a_dag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs here are a DAG's: nobody holds the publish lock between two steps."""
    defaults = draft.__defaults__
    monkeypatch.setattr(draft, "__defaults__", ("dag.1", *(defaults or ())[1:]))
    monkeypatch.setattr(publish, "POLL_SECONDS", 0.05)


def test_another_run_waits_while_one_is_at_work_and_says_for_whom(conn: psycopg.Connection) -> None:
    release_id = begin(conn, draft("dag.1"))
    expected = rf"Another run, dag\.1, is building release {release_id}, and was at it \d+ s ago; waited 0\.01 s"
    with pytest.raises(StoreError, match=expected):
        begin(conn, draft("dag.2"), wait_seconds=0.01)
    assert begin(conn, draft("dag.1", CUTOFF - timedelta(days=1))) == release_id, "a retry does not go on"


def test_a_release_whose_run_is_dead_is_gone_on_with_where_it_would_be_the_same(conn: psycopg.Connection) -> None:
    release_id = begin(conn, draft("dag.1"))
    publish.fill(conn, release_id, 0, make)
    idle(conn, release_id)
    assert begin(conn, draft("dag.2")) == release_id
    assert list(blocks.to_do(conn, release_id)) == [1, 2, 3]


def test_a_release_whose_run_is_dead_is_given_up_else_and_its_late_tasks_say_so(conn: psycopg.Connection) -> None:
    old = begin(conn, draft("dag.1"))
    idle(conn, old)
    new = begin(conn, draft("dag.2", CUTOFF - timedelta(days=1)))
    assert new != old
    assert conn.execute("SELECT to_regclass(%s)", (f"nextpick.lists_{old}",)).fetchone() == (None,)
    for late in (lambda: publish.fill(conn, old, 0, make), lambda: publish.finish(conn, old)):
        with pytest.raises(StoreError, match=f"Release {old} is no longer being built: .* another run took over"):
            late()


def test_two_publishes_at_once_end_well_one_after_the_other(conn: psycopg.Connection, database_url: str) -> None:
    made: list[int] = []

    def publisher(number: int) -> None:
        with psycopg.connect(database_url, autocommit=True) as own:
            run = draft(f"command.{number}", CUTOFF - timedelta(days=number))
            with publish.turn(own, run.run_id, 60):
                made.append(build(own, float(number), made=run))

    threads = [threading.Thread(target=publisher, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 3
    assert conn.execute("SELECT DISTINCT status FROM nextpick.releases").fetchall() == [("ready",)]


def test_whoever_waited_enough_for_the_lock_says_who_has_it(
    conn: psycopg.Connection, another: psycopg.Connection
) -> None:
    with (
        releases.publish_lock(another, 1.0),
        pytest.raises(StoreError, match=r"Another publish is running \(Postgres process \d+, "),
    ):
        begin(conn, draft(), wait_seconds=0.05)
    assert begin(conn, draft()) > 0


def test_a_full_disk_is_said_plainly_and_with_room_the_run_goes_on(
    conn: psycopg.Connection, another: psycopg.Connection
) -> None:
    """The table's file is, for a while, the device that is always full."""
    old = build(conn, 1.0)
    release_id = begin(conn, draft("dag.3"))
    named = (f"nextpick.lists_{release_id}",)
    row = conn.execute("SELECT current_setting('data_directory'), pg_relation_filepath(%s)", named).fetchone()
    assert row is not None
    file = Path(row[0]) / row[1]
    aside = file.with_name(f"{file.name}.aside")
    file.rename(aside)
    file.symlink_to("/dev/full")
    try:
        expected = f"disk of Postgres is full, so release {release_id} is not built: .*No space left on device"
        with pytest.raises(StoreError, match=expected):
            publish.fill(another, release_id, 0, make)
    finally:
        file.unlink()
        aside.rename(file)
    live = releases.live(conn)
    assert live is not None
    assert live.release_id == old
    another.close()  # it has the device open
    assert build(conn, 1.0, made=draft("dag.3")) == release_id
