"""docs/your-own-data.md does what it says: its files are written, its commands run in order."""

import re
import shlex
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from typer.testing import CliRunner

from nextpick.cli import app
from nextpick.commands.load import SAMPLE

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "your-own-data.md"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_command_of_the_guide_runs(
    conn: psycopg.Connection, database_url: str, shop_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    monkeypatch.setenv("NEXTPICK_SOURCE_URL", shop_url)
    said = []
    for language, name, text in BLOCK.findall(GUIDE.read_text()):
        if name:
            (tmp_path / name).write_text(text)
            continue
        assert language == "sh", f"a block of {language} without a file name"
        for line in text.splitlines():
            program, *arguments = shlex.split(line)
            assert program == "nextpick"
            if arguments == ["load", "--sample"]:
                continue  # test_sample.py loads it, and not as slowly
            result = CliRunner().invoke(app, arguments)
            assert result.exit_code == 0, f"{line}: {result.output} {result.exception}"
            said.append(result.output)
    assert len(said) == 5
    kinds = conn.execute("SELECT kind, count(*) FROM nextpick.events GROUP BY kind").fetchall()
    assert dict(kinds) == {"purchase": 102, "view": 3, "rating": 2}
    assert "Quarantined: 1 x user_id is missing" in said[3]
    assert "nextpick.quarantine" in said[3]
    when = conn.execute("SELECT occurred_at FROM nextpick.events WHERE user_id = 'anna'").fetchone()
    assert when is not None
    assert when[0].isoformat() == "2025-11-03T08:26:00+00:00"
    colours = conn.execute("SELECT count(*) FROM nextpick.items WHERE attributes ? 'colour'").fetchone()
    assert colours == (9,)


def test_the_samples_command_loads_what_the_project_holds(
    conn: psycopg.Connection, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "sample").mkdir(parents=True)
    lines = pd.read_parquet(GUIDE.parents[1] / SAMPLE)
    pd.concat([lines.head(50), lines.tail(50)]).to_parquet(tmp_path / SAMPLE)  # a small project's
    monkeypatch.setenv("NEXTPICK_PROJECT", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    result = CliRunner().invoke(app, ["load", "--sample"])
    assert result.exit_code == 0, result.exception
    assert re.search(
        r"Moved by \d+ weeks, so weekdays and hours are as they were: the newest event is now of Wednesday",
        result.output,
    )
    assert re.search(r"Left out: \d+ x held back for `nextpick replay`", result.output)
    assert conn.execute("SELECT count(*) > 0 FROM nextpick.events").fetchone() == (True,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say what to load: EVENTS and --items, or --query .*, or --sample; one of the three"),
        (["a.csv", "--sample"], "one of the three"),
        (["--query", "a.sql"], "Say which Postgres to query: --from postgresql://.*NEXTPICK_SOURCE_URL"),
        (["a.csv", "--column", "usr=u"], "'usr=u' maps no column; write field=column"),
        (["a.csv", "--timezone", "London"], "time zone 'London' is unknown"),
        (["--query", "a.sql", "--from", "garbage"], "The database URL cannot be read. Write it as postgresql://"),
        (["absent.csv"], r"There is no file absent\.csv"),
    ],
)
def test_what_cannot_be_meant_is_explained(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    result = CliRunner().invoke(app, ["load", *arguments])
    assert result.exit_code == 1
    assert re.search(message, str(result.exception))
