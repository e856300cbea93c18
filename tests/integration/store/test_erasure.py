"""A user who is erased is unknown from then on, whatever goes on meanwhile and whatever is gone back to."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import psycopg
import pytest
from psycopg import sql as names

from nextpick.release import lookup
from nextpick.schema import EVENT_COLUMNS, USER_ID
from nextpick.settings import Settings
from nextpick.stages import precompute
from nextpick.store import erasure, events, impressions, releases, sql
from tests.published import LAST, Version, fill, publish

WHO = "tea03"
ALWAYS = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def world(conn: psycopg.Connection) -> psycopg.Connection:
    fill(conn)
    conn.commit()
    conn.autocommit = True
    return conn


def event(event_id: str, at: datetime, user_id: str = WHO) -> pd.DataFrame:
    frame = pd.DataFrame([(event_id, user_id, "tea-00", "purchase", at, 1.0)], columns=list(EVENT_COLUMNS))
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], utc=True).astype("datetime64[us, UTC]")
    return frame


def known(conn: psycopg.Connection, release_id: int, user_id: str = WHO) -> bool:
    loaded = lookup.load(conn, releases.get(conn, release_id))
    row, since = lookup.read(conn, loaded, user_id)
    return row is not None or bool(len(since.item_rows))


def users(conn: psycopg.Connection) -> set[str]:
    return set(events.read(conn, before=ALWAYS)[USER_ID])


def count(conn: psycopg.Connection, table: str) -> int:
    query = names.SQL("SELECT count(*) FROM {} WHERE user_id = %s").format(names.Identifier("nextpick", table))
    row = conn.execute(query, (WHO,)).fetchone()
    assert row is not None
    return int(row[0])


def test_after_going_back_to_an_older_release_the_user_is_still_unknown(
    world: psycopg.Connection, version: Version
) -> None:
    older = publish(world, version, cutoff=LAST - timedelta(days=7))
    newer = publish(world, version)
    assert known(world, older)
    assert known(world, newer)
    had = count(world, "events")
    with world.transaction():
        erased = erasure.erase(world, WHO)
    assert (erased.lists, erased.events) == (2, had)
    releases.flip(world, older)
    assert not known(world, older)
    assert not known(world, newer)
    assert known(world, older, "tea04")
    assert WHO not in users(world)
    assert len(users(world)) == 23
    assert not known(world, publish(world, version))


def test_a_generation_that_is_being_built_brings_nobody_back(world: psycopg.Connection, version: Version) -> None:
    planned = precompute.begin(world, version, run_id="command.test", users_per_block=10)
    precompute.fill(world, planned.release_id, planned.blocks[0])
    for user_id in (WHO, "tool11"):  # whose lists are made already, and who waits in the last block
        with world.transaction():
            erasure.erase(world, user_id)
    precompute.fill(world, planned.release_id, *planned.blocks[1:])
    precompute.finish(world, Settings(_env_file=None), planned.release_id)
    found = {row[0] for row in world.execute("SELECT user_id FROM nextpick.lists")}
    assert len(found) == 22
    assert not {WHO, "tool11"} & found


def test_nothing_of_the_user_is_left_in_any_table(world: psycopg.Connection) -> None:
    world.execute(
        "INSERT INTO nextpick.impressions SELECT gen_random_uuid(), who, now(), now(), 1, 'v', 's', '{tea-00}', '{1}', "
        "'{popular}', NULL FROM unnest(ARRAY['tea03', 'tea04']) AS who"
    )
    world.execute("INSERT INTO nextpick.loads (source) VALUES ('file')")
    for number, line in enumerate(({"who": WHO, "what": ""}, {"who": "tea04"}, [WHO], {"who": f"{WHO}0"})):
        world.execute("INSERT INTO nextpick.quarantine VALUES (1, %s, 'no item', %s)", (number, json.dumps(line)))
    diff = {"k": 10, "worst": [[0.1, WHO], [0.2, "tea04"]]}
    world.execute(
        "INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff, diff) "
        "VALUES ('1', '', '', now(), %s)",
        (json.dumps(diff),),
    )
    world.execute("INSERT INTO nextpick.release_blocks VALUES (1, 0, '{tea03,tea04}')")
    with world.transaction():
        erased = erasure.erase(world, WHO)
    assert (erased.lists, erased.impressions, erased.quarantine, erased.comparisons) == (0, 1, 2, 1)
    assert [count(world, table) for table in ("events", "impressions", "lists")] == [0, 0, 0]
    assert world.execute("SELECT user_ids FROM nextpick.release_blocks").fetchall() == [(["tea04"],)]
    assert world.execute("SELECT diff -> 'worst' FROM nextpick.releases").fetchall() == [([[0.2, "tea04"]],)]
    left = world.execute("SELECT line FROM nextpick.quarantine ORDER BY line_number").fetchall()
    assert left == [({"who": "tea04"},), ({"who": f"{WHO}0"},)]
    ids = "SELECT count(*) FROM nextpick.event_ids WHERE event_id NOT LIKE 'erased-%'"
    assert world.execute(ids).fetchall() == world.execute("SELECT count(*) FROM nextpick.events").fetchall()
    assert world.execute("SELECT count(*) FROM nextpick.event_ids").fetchone() == (961,)  # of the user's, digests


def test_a_file_loaded_again_brings_nobody_back_and_what_happens_later_is_a_new_history(
    world: psycopg.Connection, version: Version
) -> None:
    release_id = publish(world, version)
    with world.transaction():
        erasure.erase(world, WHO)
    with world.transaction():
        assert events.insert(world, pd.concat([event("old", LAST), event("other", LAST, "tea04")])) == 1
    insert = sql.load("event_batches")["insert"]
    row = {
        "event_ids": ["old"], "user_ids": [WHO], "item_ids": ["tea-00"], "kinds": ["purchase"], "occurred_at": [LAST],
        "values": [1.0], "recommendation_ids": [None],
    }  # fmt: skip
    assert world.execute(insert, row).fetchone() == (0,)
    assert not known(world, release_id)
    with world.transaction():
        assert events.insert(world, event("new", datetime.now(UTC) + timedelta(minutes=1))) == 1
    assert known(world, release_id)
    assert count(world, "events") == 1


def test_what_a_writer_brings_in_late_counts_for_nothing_and_is_swept_away(
    world: psycopg.Connection, version: Version
) -> None:
    release_id = publish(world, version)
    world.execute("CREATE TEMPORARY TABLE kept AS SELECT * FROM nextpick.lists WHERE user_id = 'tea03'")
    with world.transaction():
        erasure.erase(world, WHO)
    world.execute("INSERT INTO nextpick.lists SELECT * FROM kept")
    world.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, received_at) "
        "VALUES ('late', 'tea03', 'tea-00', 'purchase', %(at)s, %(at)s)",
        {"at": LAST + timedelta(minutes=1)},
    )
    world.execute(
        "INSERT INTO nextpick.impressions VALUES (gen_random_uuid(), 'tea03', %(at)s, %(at)s, 1, 'v', 's', '{tea-00}', "
        "'{1}', '{popular}', NULL)",
        {"at": LAST},
    )
    diff = {"k": 10, "worst": [[0.1, WHO], [0.2, "tea04"], [0.2, "tea05"]]}
    world.execute("UPDATE nextpick.releases SET diff = %s", (json.dumps(diff),))
    assert not known(world, release_id)
    assert WHO not in users(world)
    assert impressions.shown(world, since=LAST - timedelta(days=1), before=ALWAYS).empty
    with world.transaction():
        assert erasure.sweep(world) == {"lists": 1, "events": 1, "impressions": 1, "comparisons": 1}
    left = world.execute("SELECT diff -> 'worst' FROM nextpick.releases").fetchall()
    assert left == [([[0.2, "tea04"], [0.2, "tea05"]],)]
    with world.transaction():
        assert set(erasure.sweep(world).values()) == {0}
    assert [count(world, table) for table in ("events", "impressions", "lists")] == [0, 0, 0]
