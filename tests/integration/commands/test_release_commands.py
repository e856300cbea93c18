"""`nextpick releases | rollback | publish --release | why`: what a person reads."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner, Result

from nextpick.cli import app
from nextpick.errors import ConfigError, DataError, ReleaseRefused
from nextpick.local import ports
from nextpick.models import manifest
from tests.integration.release.generations import made, same

Run = Callable[..., Result]


@pytest.fixture
def nextpick(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line on a database of the test's own, with an MLflow that is away."""
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    monkeypatch.setenv("NEXTPICK_MLFLOW_URL", f"http://127.0.0.1:{ports.free()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LOGNAME", "anna")
    return lambda *words: CliRunner().invoke(app, list(words))


@pytest.fixture
def bundles(tmp_path: Path) -> list[tuple[str, str, str]]:
    """Two bundles on this machine: version, folder, sha256."""
    folders = [tmp_path / text for text in "ab"]
    shas = [manifest.write({"ranker.txt": folder.name.encode()}, folder) for folder in folders]
    return [(str(n), str(folder), sha) for n, (folder, sha) in enumerate(zip(folders, shas, strict=True), 1)]


def said(result: Result) -> str:
    assert result.exit_code == 0, result.exception
    return " ".join(result.stdout.split())


def test_from_release_to_release_and_back_each_step_is_told_and_listed(
    nextpick: Run, conn: psycopg.Connection, bundles: list[tuple[str, str, str]]
) -> None:
    first, second = (made(conn, same(), bundle=bundle, night=night) for night, bundle in enumerate(bundles))
    conn.commit()
    assert f"Release {first} is live, the first: " in said(nextpick("publish", "--release", str(first)))
    told = said(nextpick("publish", "--release", str(second), "--because", "a new season"))
    assert "Its lists are as of 2025-11-13 00:00 UTC; what a user did since counts" in told
    assert f"Release {second} is live, instead of release {first}: " in told
    told = said(nextpick("rollback", "--because", "complaints about tea"))
    assert f"Release {first} is live again, release {second} is not: " in told
    assert "Model version 2 is rejected: nothing makes it live again but a person with a reason." in told
    assert "The champion is version 1." in told
    assert "MLflow does not know yet: MLflow at http://127.0.0.1" in told
    assert "All of it took " in told
    conn.execute("UPDATE nextpick.releases SET bytes = 100000")
    conn.commit()
    listed = said(nextpick("releases"))
    assert "5,000 bytes a user; 3 generations, one of the model before and one in the making take 500.0 kB." in listed
    assert f"{second} rejected 2 20 13 Nov " in listed
    assert f"{first} live 1 20 12 Nov " in listed
    assert f"Release {second} is rejected: anna: complaints about tea" in listed
    assert f"anna: rollback from {second} to {first}: complaints about tea" in listed
    assert f"anna: publish from {first} to {second}: a new season" in listed
    refused = nextpick("publish", "--release", str(second))
    assert isinstance(refused.exception, ReleaseRefused)
    assert "It was gone back from: anna: complaints about tea." in str(refused.exception)
    told = said(nextpick("publish", "--release", str(second), "--because", "it was the weather"))
    assert "Overruled: It was gone back from: anna: complaints about tea." in told


def test_without_a_release_or_a_reason_nothing_happens(nextpick: Run) -> None:
    assert "There is no release yet: `nextpick train`, then `nextpick publish`." in said(nextpick("releases"))
    assert isinstance(nextpick("rollback", "--because", "no").exception, ReleaseRefused)
    assert isinstance(nextpick("rollback", "--because", "").exception, ConfigError)
    assert nextpick("rollback").exit_code == 2, "a reason is asked for"


def test_a_release_that_is_there_is_not_computed(nextpick: Run) -> None:
    refused = nextpick("publish", "--release", "1", "--version", "2")
    assert isinstance(refused.exception, ConfigError)
    assert "--version and --no-flip make no sense with it" in str(refused.exception)


def test_why_names_what_is_no_id(nextpick: Run) -> None:
    assert isinstance(nextpick("why", "yesterday").exception, ConfigError)
    assert isinstance(nextpick("why", "3f2b8c1e-5f0a-4d7c-9a53-0c9d4f1f6a11").exception, DataError)


def test_what_was_never_compared_is_before_it_goes_live(
    nextpick: Run, conn: psycopg.Connection, bundles: list[tuple[str, str, str]]
) -> None:
    first, second = (made(conn, same(first=n * 12), bundle=bundles[0], night=n) for n in (0, 1))
    conn.commit()
    nextpick("publish", "--release", str(first))
    refused = nextpick("publish", "--release", str(second))
    assert isinstance(refused.exception, ReleaseRefused)
    assert "0.0% of the first 10 items are the same, on average" in str(refused.exception)
    told = said(nextpick("publish", "--release", str(second), "--because", "a new season"))
    assert "Overruled: The comparison with the live release blocked it." in told
