"""Keys in Postgres: one of a name in use, and only hashes."""

from typing import Any

import psycopg
import pytest

from nextpick.errors import StoreError
from nextpick.keys import Key, make
from nextpick.store import keys, sql


def in_use(conn: psycopg.Connection) -> dict[str, Key]:
    (documents,) = conn.execute(sql.load("keys")["in_use"]).fetchone() or ([],)
    return keys.parse(documents)


def test_what_the_service_reads_is_what_was_made(conn: psycopg.Connection) -> None:
    assert in_use(conn) == {}
    limited, _ = make("shop", {"serve", "events"}, 0.1)
    free, _ = make("ops", {"admin"}, None)
    for key in (limited, free):
        keys.add(conn, key, made_by="anna")
    assert in_use(conn) == {limited.key_id: limited, free.key_id: free}


def test_a_name_is_used_once_at_a_time(conn: psycopg.Connection) -> None:
    first, second = (make("shop", {"serve"}, None)[0] for _ in range(2))
    keys.add(conn, first, made_by="anna")
    with pytest.raises(StoreError, match=r"a key named shop already.*`nextpick keys revoke shop`"):
        keys.add(conn, second, made_by="ben")
    assert keys.revoke(conn, "shop") == first.key_id
    with pytest.raises(StoreError, match="no key named 'shop' in use"):
        keys.revoke(conn, "shop")
    keys.add(conn, second, made_by="ben")
    assert in_use(conn) == {second.key_id: second}
    assert [(one.key_id, one.made_by, one.revoked_at is None) for one in keys.every(conn)] == [
        (second.key_id, "ben", True),
        (first.key_id, "anna", False),
    ]


def test_two_at_once_cannot_take_one_name(conn: psycopg.Connection, database_url: str) -> None:
    first, second = (make("shop", {"serve"}, None)[0] for _ in range(2))
    keys.add(conn, first, made_by="anna")
    with psycopg.connect(database_url) as other:
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):  # it waits to see what becomes of the first
            keys.add(other, second, made_by="ben")
        other.rollback()
        conn.commit()
        with pytest.raises(StoreError, match="a key named shop already"):
            keys.add(other, second, made_by="ben")


@pytest.mark.parametrize(
    "wrong", [{"per_second": 0}, {"per_second": float("nan")}, {"scopes": []}, {"sha256": b"short"}], ids=str
)
def test_the_table_itself_refuses_what_could_not_be_served(conn: psycopg.Connection, wrong: dict[str, Any]) -> None:
    right = {"key_id": "a", "name": "a", "sha256": bytes(32), "scopes": ["serve"], "per_second": 1, "made_by": "anna"}
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(sql.load("keys")["add"], right | wrong)
