"""`nextpick kpis`: what a person reads."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from typer.testing import CliRunner

from nextpick.cli import app
from tests.integration.store.test_kpis import answer, took


@pytest.fixture(autouse=True)
def _place(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "80")


def said(*words: str) -> str:
    result = CliRunner().invoke(app, ["kpis", *words])
    assert result.exit_code == 0, result.exception
    return result.output


def test_shares_and_revenue_are_shown_with_their_intervals(conn: psycopg.Connection) -> None:
    at = datetime.now(UTC) - timedelta(days=1)
    for n in range(100):
        given = answer(conn, at)
        if n < 10:
            took(conn, given, at + timedelta(minutes=1), 5.0)
        if n < 30:
            took(conn, given, at + timedelta(minutes=1), None, kind="click")
    table = said()
    assert "30.0% [21.9, 39.6]" in table
    assert "10.0% [5.5, 17.4]" in table
    assert "0.500 [0.205, 0.795]" in table
    assert "default, release 1: 100 answers" in table.splitlines()
    assert "click" not in said("--kind", "purchase")


def test_where_there_is_nothing_it_says_how_to_get_some() -> None:
    assert "No answer was stored in the last 3 days: ask for some" in said("--days", "3")


def test_help_teaches() -> None:
    said_of = CliRunner().invoke(app, ["kpis", "--help"]).output
    assert "click-through rate" in said_of
    assert "recommendation_id" in said_of
