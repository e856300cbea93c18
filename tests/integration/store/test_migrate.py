"""Migrations: from nothing to head, once, whoever else tries at the same time."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from nextpick.errors import StoreError
from nextpick.store import revision
from nextpick.store.connection import connect, place
from nextpick.store.migrate import SCRIPTS, head, migrate

MIGRATIONS = SCRIPTS / "versions"


@pytest.fixture
def empty_url(conn: psycopg.Connection, database_url: str) -> str:
    conn.execute("DROP SCHEMA nextpick CASCADE")
    conn.commit()
    return database_url


def test_an_empty_database_is_brought_to_head_by_many_at_once(empty_url: str) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = sorted(pool.map(migrate, [empty_url] * 3), key=lambda one: one.before or "")
    assert found == [(None, head()), (head(), head()), (head(), head())]
    with connect(empty_url) as conn:
        assert conn.execute("SELECT version_num FROM nextpick.alembic_version").fetchall() == [(head(),)]
        assert conn.execute("SELECT count(*) FROM nextpick.live").fetchone() == (0,)


def test_a_database_of_the_revision_before_is_brought_on_and_what_is_in_it_stays(empty_url: str) -> None:
    with connect(empty_url) as conn:
        conn.execute((MIGRATIONS / "0001_first.sql").read_text())
        conn.execute("CREATE TABLE nextpick.alembic_version (version_num varchar(32) PRIMARY KEY)")
        conn.execute("INSERT INTO nextpick.alembic_version VALUES ('0001')")
        conn.execute("INSERT INTO nextpick.items (item_id, title) VALUES ('i', 'kept')")
    assert migrate(empty_url) == ("0001", head())
    assert migrate(empty_url) == (head(), head())
    with connect(empty_url) as conn:
        assert conn.execute("SELECT title FROM nextpick.items").fetchall() == [("kept",)]


def test_the_expected_revision_is_told_without_alembic() -> None:
    assert revision.expected() == head()
    assert revision.fault(head()) is revision.fault("9999") is None
    assert "is at revision 0001" in str(revision.fault("0001"))
    assert "never migrated" in str(revision.fault(None))


def test_a_role_that_may_not_and_a_table_in_use_are_named_and_change_nothing(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(empty_url) as conn:
        conn.execute("DROP ROLE IF EXISTS visitor")
        conn.execute("CREATE ROLE visitor LOGIN PASSWORD 'v'")
    visitor = make_conninfo(empty_url, user="visitor", password="v")
    url = "postgresql://visitor:v@{host}:{port}/{dbname}".format(**conninfo_to_dict(visitor))
    with pytest.raises(StoreError, match=r"must own the schema nextpick.*Nothing was changed"):
        migrate(url)
    migrate(empty_url)
    monkeypatch.setattr("nextpick.store.migrate.LOCK_SECONDS", 1)
    with connect(empty_url) as conn:
        conn.execute("UPDATE nextpick.alembic_version SET version_num = '0001'")
        conn.commit()
        conn.execute("LOCK TABLE nextpick.releases IN ACCESS SHARE MODE")
        with pytest.raises(StoreError, match=r"a table was in use for 1 s; try again"):
            migrate(empty_url)


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
