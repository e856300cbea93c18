"""Answers of a real release, given by the app, against what training computes; what is not held against them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from nextpick.errors import BundleError, StoreError
from nextpick.release import lookup
from nextpick.settings import Settings
from nextpick.stages import skew
from nextpick.stages.skew import NOT_PROPOSED, TOO_MANY, UNSURE, Skew
from nextpick.store import erasure, items, outcomes
from tests.published import catalogue
from tests.serving.conftest import running

pytestmark = pytest.mark.anyio
USERS = ("tea00", "tea07", "tool02")
LONG_AGO = datetime(2025, 11, 1, tzinfo=UTC)  # before the release's cutoff
SHOWN = "SELECT item_ids FROM nextpick.impressions WHERE user_id LIKE 't%'"
DONE = ("tea-03", "tool-01", "tea-03")
AT_ONCE, LATE = timedelta(0), timedelta(minutes=3)


async def ask(client: httpx.AsyncClient, user_id: str) -> None:
    assert (await client.post("/recommend", json={"user_id": user_id, "top_k": 10})).status_code == 200


@pytest.fixture
async def answered(app: FastAPI, release_id: int, conn: psycopg.Connection) -> int:
    """Each user asks, does something, the last one a single thing, and asks again; a stranger, too. Answers are moved a
    minute on, so that what they knew had come in long before. The release's id."""
    async with running(app) as client:
        for user in (*USERS, "stranger"):
            await ask(client, user)
            for item in DONE[: 1 if user == USERS[-1] else None]:
                sent = {"user_id": user, "item_id": item, "kind": "purchase"}
                assert (await client.post("/events", json=sent)).status_code == 200
            await ask(client, user)
    conn.execute("UPDATE nextpick.impressions SET answered_at = answered_at + interval '1 minute'")
    conn.commit()
    return release_id


def measure(conn: psycopg.Connection, tmp_path: Path, release_id: int, **options: Any) -> Skew:
    soon = datetime.now(UTC) + timedelta(minutes=2)
    settings = Settings(_env_file=None, home=tmp_path)
    with conn.transaction():
        return skew.run(conn, settings, release_id, (soon - timedelta(days=1), soon), **options)


def event(conn: psycopg.Connection, item: str, at: datetime, received: timedelta) -> None:
    """One more event of tea00, received so long after now."""
    conn.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, received_at) "
        "VALUES (gen_random_uuid(), 'tea00', %s, 'purchase', %s, now() + %s)",
        (item, at, received),
    )
    conn.commit()


def just_before_the_newest(conn: psycopg.Connection) -> datetime:
    """A moment before the last event that tea00's second answer knew."""
    row = conn.execute("SELECT max(as_of) FROM nextpick.impressions WHERE user_id = 'tea00'").fetchone()
    assert row is not None
    return row[0] - timedelta(milliseconds=1)


def features_of(conn: psycopg.Connection, release_id: int) -> list[str]:
    """The names of the features that its answers are logged with."""
    row = conn.execute("SELECT lineage -> 'features' FROM nextpick.releases WHERE release_id = %s", (release_id,))
    return list((row.fetchone() or ([],))[0])


async def test_what_is_served_is_what_training_computes(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    """The stranger has no list, so there is nothing of that kind to compare."""
    assert measure(conn, tmp_path, answered) == Skew(0, 6, None, {}, 0)
    assert measure(conn, tmp_path, answered, limit=4) == Skew(0, 4, None, {}, 0)


async def test_a_feature_that_is_served_otherwise_is_found_and_named(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    features = features_of(conn, answered)
    price, count = features.index("item_price") + 1, features.index("own_count") + 1
    conn.execute(
        "UPDATE nextpick.impressions SET features[%s] = features[%s] + 1 WHERE user_id = 'tea00'", (price,) * 2
    )
    assert measure(conn, tmp_path, answered) == Skew(2, 6, "item_price", {}, 0)
    conn.execute("UPDATE nextpick.impressions SET features[%s] = -99 WHERE user_id LIKE 'te%%'", (count,))
    assert measure(conn, tmp_path, answered) == Skew(4, 6, "own_count", {}, 0)


async def test_an_item_that_training_would_not_propose_is_named_so(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    conn.execute("UPDATE nextpick.impressions SET item_ids[3] = 'unheard of' WHERE user_id = 'tool02'")
    assert measure(conn, tmp_path, answered) == Skew(2, 6, NOT_PROPOSED, {}, 0)


async def test_events_that_came_in_after_the_answer_are_not_held_against_it(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    """Of long ago, which the release was made without, and of just before, which the answer did not know."""
    event(conn, "tea-05", LONG_AGO, LATE)
    event(conn, "tea-06", LONG_AGO, AT_ONCE)  # before the answer, yet the release was there already
    event(conn, "tea-07", just_before_the_newest(conn), LATE)
    assert measure(conn, tmp_path, answered) == Skew(0, 6, None, {}, 0)


async def test_an_event_that_the_answer_should_have_known_is_skew(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    event(conn, "tea-07", just_before_the_newest(conn), AT_ONCE)
    found = measure(conn, tmp_path, answered)
    assert (found.unequal, found.compared, found.left_out) == (1, 6, {})


async def test_of_events_that_came_in_as_it_was_given_nobody_knows(
    answered: int, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three events an answer surely knew the newest, as its as_of says; and so all where there was but one."""
    monkeypatch.setattr(outcomes, "UNSURE", timedelta(hours=1))
    assert measure(conn, tmp_path, answered) == Skew(0, 4, None, {UNSURE: 2}, 0)


async def test_the_event_that_as_of_tells_of_was_known_whatever_the_clocks_say(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    conn.execute(
        "UPDATE nextpick.events SET received_at = now() + interval '9 minutes' WHERE user_id = %s "
        "AND occurred_at > now() - interval '1 hour'",
        (USERS[-1],),
    )
    assert measure(conn, tmp_path, answered) == Skew(0, 6, None, {}, 0)


async def test_who_did_more_than_an_answer_looks_at_is_left_out(
    answered: int, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "EVENTS_SINCE", 3)
    assert measure(conn, tmp_path, answered) == Skew(0, 6, None, {}, 0)
    monkeypatch.setattr(lookup, "EVENTS_SINCE", 2)
    assert measure(conn, tmp_path, answered) == Skew(0, 4, None, {TOO_MANY: 2}, 0)


async def test_of_items_changed_since_the_release_its_own_row_is_used(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    changed = catalogue().head(2)
    changed = changed.assign(price=99.0, published_at=changed["published_at"] + timedelta(days=3))
    assert items.upsert(conn, changed) == 2
    assert measure(conn, tmp_path, answered) == Skew(0, 6, None, {}, 2)


async def test_once_users_were_erased_the_items_own_rows_are_used(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    conn.autocommit = True
    erasure.erase(conn, "tea07")
    assert measure(conn, tmp_path, answered) == Skew(0, 4, None, {}, 21)  # all they showed


async def test_of_more_items_than_some_hundreds_a_sample_is_computed_again(
    answered: int, conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = len({item for (ids,) in conn.execute(SHOWN) for item in ids})
    monkeypatch.setattr(skew, "ITEMS", 3)
    found = measure(conn, tmp_path, answered)
    assert (found.unequal, found.compared, found.items_unchecked) == (0, 6, shown - 3)
    assert measure(conn, tmp_path, answered) == found


async def test_without_answers_nothing_is_compared_nor_looked_for(
    release_id: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    conn.execute("UPDATE nextpick.releases SET bundle_uri = '/nowhere'")
    assert measure(conn, tmp_path, release_id) == Skew(0, 0, None, {}, 0)


async def test_a_release_or_bundle_that_is_not_there_is_named(
    answered: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="There is no release 99"):
        measure(conn, tmp_path, 99)
    conn.execute("UPDATE nextpick.releases SET bundle_uri = '/nowhere'")
    with pytest.raises(BundleError, match="/nowhere"):
        measure(conn, tmp_path, answered)
