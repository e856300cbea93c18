"""`nextpick migrate`: what an admin types and reads."""

import psycopg
import pytest
from typer.testing import CliRunner

from nextpick.cli import app
from nextpick.store.migrate import head


def test_it_says_from_where_to_where_and_that_it_is_done_already(
    conn: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    conn.execute("DROP SCHEMA nextpick CASCADE")
    conn.commit()
    first, second = (CliRunner().invoke(app, ["migrate"]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0), (first.exception, second.exception)
    assert f"from nothing to revision {head()}." in first.stdout
    assert f"is at revision {head()} already; there is nothing to do." in second.stdout
    assert "test@" not in first.stdout
    assert ":test" not in first.stdout
