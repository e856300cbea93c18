"""`nextpick drift`: the figures on a screen, for now or any past night."""

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from nextpick.cli import app
from nextpick.errors import ConfigError
from nextpick.store import drift, events, items
from tests import traffic

WIDE = {"COLUMNS": "200"}


@pytest.fixture(autouse=True)
def there(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)


def test_it_prints_each_column_with_its_thresholds_the_verdict_and_where_the_report_lies(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    items.upsert(conn, traffic.catalogue())
    events.insert(conn, traffic.events())
    conn.commit()
    said = CliRunner().invoke(app, ["drift", "--date", "2025-11-13"], env=WIDE).stdout
    assert "05 Nov 2025" in said
    assert "against 10 Sep 2025" in said
    for part in ("item_popularity_log", "psi", "alarm above", "chance explains", "Verdict: ok", "Slack: not_needed"):
        assert part in said
    assert str(tmp_path / "reports" / "drift" / "2025-11-13" / "000000.html") in said
    (row,) = drift.reports(conn, 5)
    assert row.run_id.startswith("cli.")


def test_a_night_to_come_is_refused() -> None:
    result = CliRunner().invoke(app, ["drift", "--date", "2999-01-01"])
    assert isinstance(result.exception, ConfigError)
    assert "--date 2999-01-01 00:00 UTC has yet to come" in str(result.exception)


@pytest.mark.parametrize("date", ["0001-01-01", "1500-06-01", "1969-12-31"])
def test_a_night_before_there_was_any_data_is_refused(conn: psycopg.Connection, date: str) -> None:
    result = CliRunner().invoke(app, ["drift", "--date", date])
    assert isinstance(result.exception, ConfigError)
    assert "no event is that old" in str(result.exception)
    assert drift.reports(conn, 5) == []
