"""`nextpick keys`: what an admin types and reads."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from nextpick.cli import app
from nextpick.errors import ConfigError, StoreError
from nextpick.keys import find
from nextpick.store import keys, sql

Run = Callable[..., Result]


@pytest.fixture
def nextpick(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `nextpick keys` on a database of the test's own."""
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("LOGNAME", "anna")
    return lambda *words: CliRunner().invoke(app, ["keys", *words])


def test_a_key_is_made_told_once_listed_and_revoked(nextpick: Run, conn: psycopg.Connection) -> None:
    assert "There is no key yet: `nextpick keys add" in nextpick().stdout
    made = nextpick("add", "shop", "--scope", "serve", "--scope", "events", "--per-second", "50")
    assert made.exit_code == 0, made.exception
    text = made.stdout.strip()
    assert "not shown again" in made.stderr
    (documents,) = conn.execute(sql.load("keys")["in_use"]).fetchone() or ([],)
    key = find(text, keys.parse(documents))
    assert key is not None, "standard output is the key and nothing else"
    assert (key.name, key.scopes, key.per_second) == ("shop", {"serve", "events"}, 50)
    nextpick("add", "ops", "--scope", "admin")
    assert text[-43:] not in str(conn.execute("SELECT * FROM nextpick.api_keys").fetchall())
    conn.rollback()

    listed = " ".join(nextpick().stdout.split())
    assert f"shop │ np_{key.key_id}_... │ events, serve │ 50 │ " in listed
    assert " │ admin │ any │ " in listed
    assert " UTC │ anna │ " in listed
    assert text[-43:] not in listed

    told = nextpick("revoke", "shop")
    assert f"Key shop (np_{key.key_id}_...) is revoked." in told.stdout
    listed = nextpick().stdout
    assert listed.index("ops") < listed.index("shop"), "those in use come first"


def test_what_cannot_be_done_is_said_and_nothing_is_printed(nextpick: Run) -> None:
    nextpick("add", "shop", "--scope", "serve")
    for words, error in (
        (("add", "shop", "--scope", "events"), StoreError),
        (("add", "a b", "--scope", "serve"), ConfigError),
        (("add", "slow", "--scope", "serve", "--per-second", "0"), ConfigError),
        (("revoke", "nobody"), StoreError),
    ):
        result = nextpick(*words)
        assert isinstance(result.exception, error), words
        assert result.stdout == "", words
    assert nextpick("add", "shop2").exit_code == 2, "a scope is asked for"
    assert nextpick("add", "shop2", "--scope", "root").exit_code == 2
