"""`nextpick split`: what a person reads."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from nextpick.cli import app
from nextpick.errors import ConfigError
from nextpick.models import manifest
from nextpick.store import releases
from tests.integration.release.generations import made, same

Run = Callable[..., Result]


@pytest.fixture
def nextpick(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    monkeypatch.setenv("LOGNAME", "anna")
    return lambda *words: CliRunner().invoke(app, list(words))


def said(result: Result) -> str:
    assert result.exit_code == 0, result.exception
    return " ".join(result.stdout.split())


def test_a_split_is_made_told_and_ended(nextpick: Run, conn: psycopg.Connection, tmp_path: Path) -> None:
    ids = []
    for night, text in enumerate("ab"):
        sha256 = manifest.write({"ranker.txt": text.encode()}, tmp_path / text)
        ids.append(made(conn, same(), bundle=(str(night + 1), str(tmp_path / text), sha256), night=night))
    releases.flip(conn, ids[0])
    conn.commit()
    assert said(nextpick("split")) == "Traffic is not split: the live release answers everybody."
    told = said(nextpick("split", str(ids[1]), "--share", "0.125", "--because", "is it better?"))
    assert f"Release {ids[1]} (model version 2) is the challenger: answers 12.5% of the users." in told
    assert told.endswith(said(nextpick("split")))
    told = said(nextpick("split", str(ids[1]), "--share", "1", "--shadow", "--because", "a look"))
    assert "asked for 100% of the users and shown to none" in told
    assert said(nextpick("split", "--off")) == f"Release {ids[1]} is no challenger any more."
    assert said(nextpick("split", "--off")) == "Traffic is not split."
    assert "anna: split to " in said(nextpick("releases"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("2",), "Name both, the challenger and its share"),
        (("--share", "0.1"), "Name both, the challenger and its share"),
        (("2", "--off"), "--off ends the split"),
        (("2", "--share", "0.1"), "The reason is empty"),
        (("2", "--share", "1", "--because", "x"), "The share is 1, and must be 0.001 to 0.999"),
    ],
)
def test_what_makes_no_sense_is_refused(nextpick: Run, words: tuple[str, ...], why: str) -> None:
    result = nextpick("split", *words)
    assert isinstance(result.exception, ConfigError)
    assert why in str(result.exception)
