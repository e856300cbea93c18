"""How the pages of NextPick ask the database, and what they make of moments and long texts."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from nextpick_airflow import home_page

NOW = datetime.now(UTC)


def test_pages_can_only_read_and_end_a_statement_that_takes_long(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), home_page.database() as ours:
        ours.execute("DELETE FROM nextpick.events")
    monkeypatch.setattr(home_page, "MOST_SECONDS", 1)
    with pytest.raises(psycopg.errors.QueryCanceled), home_page.database() as ours:
        ours.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=47), "47 hours ago"),
        (timedelta(days=2), "2 days ago"),
    ],
)
def test_how_long_ago_is_told_in_words(ago: timedelta, said: str) -> None:
    assert home_page.ago(NOW - ago, NOW) == said


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "120 min")])
def test_how_long_a_run_took_is_told_in_words(seconds: float, said: str) -> None:
    assert home_page.took(NOW - timedelta(seconds=seconds), NOW) == said
    assert home_page.took(None, NOW) == ""


def test_what_is_too_long_to_be_read_is_cut() -> None:
    assert home_page.short("a" * 300) == "a" * 300
    assert home_page.short("a" * 301) == "a" * 300 + "…"


def test_no_score_is_told_where_there_is_none() -> None:
    assert (home_page.score(float("nan")), home_page.score(0.12345)) == ("", "0.123")
