"""Publishing a generation: whole or not at all, whoever reads, whoever dies."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import sleep

import numpy as np
import psycopg
import pytest

from nextpick.errors import DataError, StoreError
from nextpick.release import publish
from nextpick.store import lists, releases, transactions
from tests.integration.release.blocks import ITEMS, USERS, build, draft, seed

ROOT = Path(__file__).resolve().parents[3]
READ = """
SELECT r.release_id, r.users, r.items,
       (SELECT count(*) FROM nextpick.lists AS l WHERE l.release_id = r.release_id),
       (SELECT count(*) FROM nextpick.release_items AS i WHERE i.release_id = r.release_id),
       (SELECT min(scores[1]) FROM nextpick.lists AS l WHERE l.release_id = r.release_id),
       (SELECT max(scores[1]) FROM nextpick.lists AS l WHERE l.release_id = r.release_id)
FROM nextpick.live AS v JOIN nextpick.releases AS r USING (release_id)
"""


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


def tables(conn: psycopg.Connection) -> set[str]:
    rows = conn.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^(lists|release_items)_[0-9]+$'"
    )
    return {row[0] for row in rows}


def statuses(conn: psycopg.Connection) -> dict[int, str]:
    rows = conn.execute("SELECT release_id, status FROM nextpick.releases ORDER BY 1").fetchall()
    return {row[0]: row[1] for row in rows}


def test_what_is_published_is_what_is_read(conn: psycopg.Connection, another: psycopg.Connection) -> None:
    release_id = build(conn, 7.0)
    live = releases.live(another)
    assert live is not None
    assert (live.release_id, live.model_version, live.bundle_uri) == (release_id, "v", "somewhere")
    row = another.execute(
        "SELECT item_rows, scores, generator_scores, generator_ranks, history_rows, history_counts, history_weights, "
        "history_first, history_last FROM nextpick.lists WHERE release_id = %s AND user_id = 'юзер 3'",
        (release_id,),
    ).fetchone()
    assert row is not None
    assert row[0] == [3, 2, 1]
    assert row[1] == [7.0, 6.5, 6.0]
    np.testing.assert_array_equal(row[2], [7.0, np.nan, 6.5, np.nan, 6.0, np.nan])
    assert row[3] == [0, -1, 1, -1, 2, -1]
    assert row[4:] == ([1, 4], [3, 1], [3.5, 1.0], [10**15, 2 * 10**15], [3 * 10**15, 2 * 10**15])
    empty = another.execute(
        "SELECT item_rows, history_rows FROM nextpick.lists WHERE release_id = %s AND user_id = 'юзер 0'", (release_id,)
    ).fetchone()
    assert empty == ([], [])
    items = another.execute(
        "SELECT item_row, item_id, title, categories, price, features FROM nextpick.release_items ORDER BY 1 LIMIT 2"
    ).fetchall()
    assert items == [
        (0, "i0", 'a "title", with\ttab', ["c", "d e"], 1.5, [0.0, 0.1]),
        (1, "i1", "", [], None, [1.0, 0.1]),
    ]


def test_neighbours_and_charts_come_and_go_with_their_generation(conn: psycopg.Connection) -> None:
    first, second = build(conn, 1.0, flip=False), build(conn, 1.0, keep=1)
    similar = conn.execute("SELECT * FROM nextpick.release_similar ORDER BY release_id, item_row").fetchall()
    assert similar == [(second, row, [1] if row == 0 else [], [0.5] if row == 0 else []) for row in range(ITEMS)]
    charts = conn.execute("SELECT * FROM nextpick.release_charts ORDER BY release_id, category").fetchall()
    assert charts == [(second, "popular", "", [3, 1]), (second, "popular", "d e", [0])]
    before = lists.size(conn, second)
    conn.execute("UPDATE nextpick.release_similar SET similar_rows = similar_rows || 7 WHERE item_row = 0")
    assert lists.size(conn, second) == before + 4, "they do not count"
    assert statuses(conn) == {first: "dropped", second: "ready"}


def test_what_is_dropped_in_part_is_known_to_the_next_run_whichever_part_was_left(
    conn: psycopg.Connection, another: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "LOCK_TRIES", 2)
    old, _ = build(conn, 1.0), build(conn, 2.0)
    for table in ("release_similar", "release_charts"):
        with another.transaction():
            another.execute(f"SELECT FROM nextpick.{table} WHERE release_id = %s FOR UPDATE", (old,))  # type: ignore[arg-type]
            with pytest.raises(StoreError, match=f"Could not drop the lists of release {old}"):
                publish.drop(conn, old)
        assert releases.beyond(conn, 3) == (old,), "the next run would leave the rest"
    publish.drop(conn, old)
    left = "SELECT (SELECT count(*) FROM nextpick.release_similar WHERE release_id = %(old)s) + "
    left += "(SELECT count(*) FROM nextpick.release_charts WHERE release_id = %(old)s)"
    assert conn.execute(left, {"old": old}).fetchone() == (0,)  # type: ignore[arg-type]
    assert releases.beyond(conn, 3) == ()


def test_a_reader_in_a_loop_sees_only_whole_releases(conn: psycopg.Connection, database_url: str) -> None:
    done, seen, wrong = threading.Event(), set(), []

    def read() -> None:
        with psycopg.connect(database_url, autocommit=True) as reader:
            while not done.is_set():
                row = reader.execute(READ).fetchone()
                if row is None:
                    continue
                release_id, users, items, lists_read, items_read, low, high = row
                seen.add(release_id)
                if (users, items) != (lists_read, items_read) or low != high:
                    wrong.append(row)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        published = [build(conn, float(n)) for n in range(6)]
        for release_id in published[-2:-4:-1]:
            releases.flip(conn, release_id)  # and back
            sleep(0.05)
    finally:
        sleep(0.05)
        done.set()
        for reader in readers:
            reader.join()
    assert wrong == []
    assert len(seen & set(published)) >= 3


def test_three_generations_are_kept_and_older_ones_dropped_whole(
    conn: psycopg.Connection, another: psycopg.Connection
) -> None:
    made = [build(conn, 1.0) for _ in range(5)]
    kept = made[-3:]
    assert tables(another) == {f"{parent}_{n}" for parent in lists.PARENTS for n in kept}
    assert statuses(another) == {n: "ready" if n in kept else "dropped" for n in made}
    size = another.execute("SELECT bytes FROM nextpick.releases WHERE release_id = %s", (made[-1],)).fetchone()
    assert size == (lists.size(another, made[-1]),)


def test_the_live_release_is_kept_however_old(conn: psycopg.Connection, another: psycopg.Connection) -> None:
    live = build(conn, 1.0)
    newer = [build(conn, 1.0, flip=False) for _ in range(4)]
    current = releases.live(another)
    assert current is not None
    assert current.release_id == live
    assert {n for n, status in statuses(another).items() if status == "ready"} == {live, *newer[-3:]}


@pytest.mark.parametrize("phase", ["planned", "computed", "copied", "indexed", "attached", "ready"])
def test_a_killed_publisher_leaves_the_old_release_and_the_next_run_converges(
    conn: psycopg.Connection, another: psycopg.Connection, database_url: str, phase: str
) -> None:
    old = build(conn, 1.0)
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.release.killed", database_url, phase],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == f"{phase}\n"
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    row = another.execute(READ).fetchone()
    assert row is not None
    assert (row[0], row[3], row[4]) == (old, USERS, ITEMS)
    assert statuses(another)[old + 1] == ("ready" if phase == "ready" else "building")
    new = build(conn, 2.0)
    assert new == old + (2 if phase == "ready" else 1), "the killed run's work was not gone on with"
    row = another.execute(READ).fetchone()
    assert row is not None
    assert (row[0], row[3], row[5], row[6]) == (new, USERS, 2.0, 2.0)
    assert "building" not in statuses(another).values()
    ready = {n for n, status in statuses(another).items() if status == "ready"}
    assert tables(another) == {f"{parent}_{n}" for parent in lists.PARENTS for n in ready}
    assert another.execute("SELECT count(*) FROM nextpick.release_blocks").fetchone() == (0,)
    locks = another.execute(
        "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database "
        "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
    )
    assert locks.fetchone() == (0,)


def test_a_reader_with_a_long_transaction_delays_no_flip(conn: psycopg.Connection, database_url: str) -> None:
    build(conn, 1.0)
    with psycopg.connect(database_url) as reader:
        reader.execute("SELECT count(*) FROM nextpick.lists")  # holds ACCESS SHARE on the parent until it ends
        new = build(conn, 2.0)
        row = reader.execute(READ).fetchone()
        assert row is not None
        assert (row[0], row[5]) == (new, 2.0)


def test_a_long_reader_stops_no_publish_and_what_was_to_go_goes_after_it(
    conn: psycopg.Connection, another: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup, say: while it reads, no partition can be detached for good, and a second one not even begun with."""
    made = [build(conn, 1.0) for _ in range(3)]
    with monkeypatch.context() as impatient, psycopg.connect(database_url) as reader:
        impatient.setattr(transactions, "LOCK_TRIES", 2)
        reader.execute("SELECT count(*) FROM nextpick.lists")
        said: list[str] = []
        new = build(conn, 2.0, keep=1, log=said.append)
        assert [line.partition(":")[0] for line in said] == [f"release {n} stays for now" for n in made[:2]]
        row = another.execute(READ).fetchone()
        assert row is not None
        assert (row[0], row[3]) == (new, USERS)
    last = build(conn, 3.0, keep=1)
    assert statuses(another) == {**dict.fromkeys(made, "dropped"), new: "ready", last: "ready"}
    assert tables(another) == {f"{parent}_{n}" for parent in lists.PARENTS for n in (new, last)}


def test_who_waits_for_a_publish_to_end_does_not_keep_it_from_ending(
    conn: psycopg.Connection, another: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a long reader left half detached is done with once no older statement runs: a wait must not be one."""
    monkeypatch.setattr(transactions, "LOCK_TRIES", 2)
    old, _ = build(conn, 1.0), build(conn, 2.0)
    with another.transaction():
        another.execute("SELECT count(*) FROM nextpick.lists")
        with pytest.raises(StoreError, match=f"Could not drop the lists of release {old}"):
            publish.drop(conn, old)
    got: list[bool] = []

    def waiting() -> None:
        with releases.publish_lock(another, 60.0):
            got.append(True)

    waiter = threading.Thread(target=waiting)
    with releases.publish_lock(conn):
        waiter.start()
        sleep(0.5)
        publish.drop(conn, old)
        assert not got
    waiter.join()
    assert got == [True]


def test_a_lock_that_stays_is_reported_and_the_old_release_stays(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "LOCK_TRIES", 2)
    old = build(conn, 1.0)
    with psycopg.connect(database_url) as hog:
        hog.execute("LOCK TABLE nextpick.lists IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreError, match="Could not create the tables of a new release"):
            build(conn, 2.0)
    live = releases.live(conn)
    assert live is not None
    assert live.release_id == old


def test_an_empty_catalogue_is_not_published(conn: psycopg.Connection) -> None:
    with pytest.raises(DataError, match="catalogue of this release is empty"):
        build(conn, 1.0, made=replace(draft(), items=[]))


def test_a_connection_inside_a_transaction_is_refused(conn: psycopg.Connection) -> None:
    conn.execute("SELECT 1")
    with pytest.raises(StoreError, match="without an open transaction"):
        publish.finish(conn, 1)
