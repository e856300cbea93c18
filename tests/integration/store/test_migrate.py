"""Migrations: from nothing to head, once, whoever else tries at the same time."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from nextpick.errors import StoreError
from nextpick.store.connection import connect, place
from nextpick.store.migrate import head, migrate


@pytest.fixture
def empty_url(conn: psycopg.Connection, database_url: str) -> str:
    conn.execute("DROP SCHEMA nextpick CASCADE")
    conn.commit()
    return database_url


def test_an_empty_database_is_brought_to_head_by_many_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        assert set(pool.map(migrate, [empty_url] * 3)) == {head()}
    with connect(empty_url) as conn:
        assert conn.execute("SELECT version_num FROM nextpick.alembic_version").fetchall() == [(head(),)]
        assert conn.execute("SELECT count(*) FROM nextpick.live").fetchone() == (0,)


def test_a_newer_schema_is_refused(conn: psycopg.Connection, database_url: str) -> None:
    conn.execute("UPDATE nextpick.alembic_version SET version_num = '9999'")
    conn.commit()
    with pytest.raises(StoreError, match="revision 9999, which this NextPick does not know"):
        migrate(database_url)


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    url = "postgresql://someone:secret@127.0.0.1:1/nextpick"
    for attempt in (connect, migrate):
        with pytest.raises(StoreError, match=r"someone@127\.0\.0\.1:1/nextpick") as caught:
            attempt(url)
        assert "secret" not in str(caught.value)
    assert place("postgresql://127.0.0.1/x") == "(no role)@127.0.0.1:5432/x"
