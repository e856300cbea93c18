"""What is asked every second, at every request, or of each of many users is found by an index: it costs no more
as tables grow."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from nextpick.store import lists, partitions, sql
from tests.published import LAST

FILL = """
INSERT INTO nextpick.items (item_id, title) SELECT 'i' || n, 't' FROM generate_series(1, 5000) AS n;
INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at)
SELECT 'e' || n, 'u' || n % 500, 'i', 'view', '2025-11-01T00:00Z'::timestamptz + n * interval '1 minute'
FROM generate_series(1, 10000) AS n;
INSERT INTO nextpick.impressions
SELECT gen_random_uuid(), 'u' || n % 500, moment, moment, 1, 'v', 's', '{i}', '{1}', '{popular}', NULL
FROM generate_series(1, 10000) AS n,
    LATERAL (SELECT '2025-11-01T00:00Z'::timestamptz + n * interval '1 minute' AS moment) AS m;
INSERT INTO nextpick.api_keys (key_id, name, sha256, scopes, made_by, revoked_at)
SELECT 'k' || n, 'n', sha256('k'), '{serve}', 'anna', CASE WHEN n > 1 THEN now() END FROM generate_series(1, 5000) AS n;
INSERT INTO nextpick.lists_1
SELECT 1, 'u' || n, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}' FROM generate_series(1, 5000) AS n;
"""
ASKED: dict[tuple[str, str], dict[str, Any]] = {
    ("releases", "follow"): {"variant": "default", "challenger": "challenger"},
    ("keys", "in_use"): {},
    ("lists", "read"): {"release_id": 1, "user_id": "u7", "cutoff": LAST, "kinds": ["view"], "limit": 1000},
    ("drift", "older_users"): {"ids": ["u7", "u8"], "before": LAST, "kinds": ["view"]},
    ("impressions", "known"): {"ids": [UUID(int=1)], "since": LAST},
}


@pytest.fixture
def filled(conn: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Some thousand rows in each table, and the planner knows it."""
    for table in partitions.KEYS:
        partitions.ensure(conn, table, LAST)
    lists.create(conn, 1)
    conn.execute(FILL)
    lists.index(conn, 1)
    lists.attach(conn, 1)
    conn.execute("ANALYZE")
    yield conn
    conn.rollback()


@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_no_table_is_read_whole(filled: psycopg.Connection, asked: tuple[str, str]) -> None:
    family, name = asked
    query = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql.load(family)[name]}"
    (found,) = filled.execute(query, ASKED[asked]).fetchone() or ([],)
    read = [node for node in nodes(found[0]["Plan"]) if node["Node Type"] == "Seq Scan"]
    whole = {
        node["Relation Name"] for node in read if node["Actual Rows"] + node.get("Rows Removed by Filter", 0) > 100
    }
    assert whole == set()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)
