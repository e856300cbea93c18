"""Looking up one user costs no more as tables grow; what is found is whole and in order."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from nextpick.store import inspect, lists, partitions, sql
from tests.integration.store.test_plans import FILL, nodes
from tests.published import LAST

ASKED: dict[str, dict[str, Any]] = {
    "named": {"id": "u7", "release_id": None},
    "history": {"user_id": "u7", "most": 100},
    "answers": {"user_id": "u7", "most": 10},
    "listed": {"user_id": "u7", "release_id": 1, "most": 200},
    "similar": {"release_id": 1, "item_row": 1, "most": 10},
}


@pytest.fixture
def filled(conn: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Some thousand rows in each table, and the planner knows it; release 1 is live."""
    for table in partitions.KEYS:
        partitions.ensure(conn, table, LAST)
    lists.create(conn, 1)
    conn.execute(FILL)
    lists.index(conn, 1)
    lists.attach(conn, 1)
    conn.execute(
        "INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff, status)"
        " VALUES ('1', '', '', now(), 'ready')"
    )
    conn.execute("INSERT INTO nextpick.live (variant, release_id, share) VALUES ('default', 1, 1)")
    conn.execute("ANALYZE")
    yield conn
    conn.rollback()


@pytest.mark.parametrize("name", ASKED)
def test_no_table_is_read_whole(filled: psycopg.Connection, name: str) -> None:
    query = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.load('inspect')[name]}"
    (found,) = filled.execute(query, ASKED[name]).fetchone() or ([],)
    read = [node for node in nodes(found[0]["Plan"]) if node["Node Type"] == "Seq Scan"]
    assert [one for one in read if one["Actual Rows"] + one.get("Rows Removed by Filter", 0) > 100] == []


def test_a_text_is_told_for_what_it_is_the_id_of(filled: psycopg.Connection) -> None:
    for text, what in (("u7", (True, False, False)), ("i7", (False, True, False)), ("1", (False, False, True))):
        found = inspect.named(filled, text)
        assert (found.a_user, found.an_item, found.a_release) == what


def test_the_newest_events_come_first_and_no_more_than_are_wanted(filled: psycopg.Connection) -> None:
    found = inspect.history(filled, "u7", 5)
    assert len(found) == 5
    assert [one.occurred_at for one in found] == sorted((one.occurred_at for one in found), reverse=True)


@pytest.mark.parametrize(
    ("text", "number"),
    [("7", 7), ("007", 7), ("9223372036854775807", 2**63 - 1), ("9223372036854775808", None), ("-1", None)]
    + [(odd, None) for odd in ("", "²", "٣", "1e3", " 1", "1\n", "9" * 200)],
)
def test_only_what_postgres_can_count_is_a_releases_number(text: str, number: int | None) -> None:
    assert inspect.release_number(text) == number
