"""What was backed up is served again after everything else is gone, elsewhere too; and nothing is lost by accident."""

import shutil
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg
import pytest
from typer.testing import CliRunner

from nextpick import registry
from nextpick.cli import app
from nextpick.errors import UpkeepError
from nextpick.local import backup, dump
from nextpick.release import lookup
from nextpick.settings import Settings
from nextpick.store import releases
from nextpick.store.connection import connect
from nextpick.store.migrate import migrate
from tests.orchestrated import small_project
from tests.published import USERS, Version, fill, publish

NOW = datetime(2025, 11, 13, tzinfo=UTC)


@pytest.fixture
def settings(empty_mlflow: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    project = small_project(tmp_path / "project")
    (tmp_path / "home").mkdir()
    shutil.copy(empty_mlflow, tmp_path / "home")
    for name, value in {"PROJECT": project, "HOME": tmp_path / "home", "DATABASE_URL": database_url}.items():
        monkeypatch.setenv(f"NEXTPICK_{name}", str(value))
    monkeypatch.setenv("COLUMNS", "200")
    return Settings(_env_file=None)


@pytest.fixture
def saved(settings: Settings, version: Version, tmp_path: Path) -> Iterator[Path]:
    """A backup of an installation with a champion whose lists are live, and a report."""
    folder = version.bundle_dir.parents[1]
    registered = registry.register(settings, folder, version.bundle_sha256, {**version.lineage, "run_id": "r"})
    registry.promote(settings, registered.version, force="a test")
    report = settings.home / "reports" / "drift" / "2025-11-12.html"
    report.parent.mkdir(parents=True)
    report.write_text("<html>")
    with connect(settings.database()) as conn:
        fill(conn)
        conn.commit()
        publish(conn, registered)  # type: ignore[arg-type]
    target = tmp_path / "kept" / "backup.tar"
    backup.save(settings, target, now=NOW, say=print)
    yield target
    assert [path.name for path in target.parent.iterdir()] == ["backup.tar"]


def wipe(settings: Settings) -> None:
    with connect(settings.database()) as conn:
        conn.execute("DROP SCHEMA nextpick CASCADE")
    shutil.rmtree(settings.home)


def served(settings: Settings) -> dict[str, tuple[list[str], list[float]]]:
    """Each user's list, read as the service does."""
    with connect(settings.database()) as conn:
        live = releases.live(conn)
        assert live is not None
        loaded = lookup.load(conn, live)
        rows = {user: lookup.read(conn, loaded, user)[0] for user in USERS}
    return {
        user: ([loaded.items.ids[i] for i in row.item_rows], np.asarray(row.scores).tolist())
        for user, row in rows.items()
        if row is not None
    }


def status() -> str:
    told = CliRunner().invoke(app, ["status"])
    assert told.exit_code == 0, told.output
    return told.output


def test_after_all_is_gone_the_same_lists_are_served_from_another_place_and_status_says_the_same(
    settings: Settings, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with connect(settings.database(), autocommit=True) as conn:
        conn.execute("ANALYZE")  # status tells the planner's estimate
    lists, said = served(settings), status()
    assert len(lists) == 24
    assert "Live: release 1" in said
    wipe(settings)
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path / "elsewhere" / "home"))
    elsewhere = Settings(_env_file=None)
    backup.load(elsewhere, saved, say=print)
    with connect(settings.database(), autocommit=True) as conn:
        conn.execute("ANALYZE")
    assert served(elsewhere) == lists
    assert status() == said
    assert (elsewhere.home / "reports" / "drift" / "2025-11-12.html").read_text() == "<html>"
    champion = registry.champion(elsewhere)
    assert champion is not None
    shutil.rmtree(champion.bundle_dir)
    assert registry.get(elsewhere, champion.version).bundle_dir.exists(), "MLflow does not find its files"
    assert "params.yaml is another" not in capsys.readouterr().out
    assert registry.newest(elsewhere, 9)[0].lineage["run_id"] == "r"


def test_a_restore_replaces_nothing_unless_it_is_told_to(settings: Settings, saved: Path) -> None:
    lists = served(settings)
    with pytest.raises(UpkeepError, match=r"something here already: rows in the database nextpick, .*bundles.*--over"):
        backup.load(settings, saved, say=print)
    with connect(settings.database()) as conn:
        conn.execute("TRUNCATE nextpick.live")
    bundle = next((settings.home / "bundles").iterdir())
    (bundle / "ranker.txt").write_text("spoilt")
    (settings.project / "params.yaml").write_text("seed: 1\n")
    backup.load(settings, saved, over=True, say=print)
    assert served(settings) == lists
    assert "seed: 42" in (settings.project / "params.yaml.restored").read_text()
    assert (settings.project / "params.yaml").read_text() == "seed: 1\n"
    assert not list(settings.home.glob(".restore-*"))


def test_a_damaged_backup_changes_nothing(settings: Settings, saved: Path, tmp_path: Path) -> None:
    content = bytearray(saved.read_bytes())
    with tarfile.open(saved) as tar:
        place = tar.getmember("nextpick.dump")
    content[place.offset_data + place.size // 2] ^= 1
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(content)
    (tmp_path / "none.tar").write_bytes(b"no tar")
    before = served(settings)
    with pytest.raises(UpkeepError, match="made without MLflow's server, and here NEXTPICK_MLFLOW_URL is http://m"):
        backup.load(settings.model_copy(update={"mlflow_url": "http://m"}), saved, over=True, say=print)
    for source, message in (
        (damaged, r"is damaged: nextpick\.dump is not as its manifest says"),
        (tmp_path / "none.tar", "cannot be read as a backup"),
        (tmp_path / "absent.tar", "cannot be read as a backup: .*No such file"),
    ):
        with pytest.raises(UpkeepError, match=message):
            backup.load(settings, source, over=True, say=print)
    assert served(settings) == before


def test_a_backup_replaces_no_file_and_is_never_put_where_clean_removes_it(settings: Settings, tmp_path: Path) -> None:
    taken = tmp_path / "taken.tar"
    taken.touch()
    with pytest.raises(UpkeepError, match=r"taken\.tar exists"):
        backup.save(settings, taken, now=NOW, say=print)
    with pytest.raises(UpkeepError, match="which `make clean` removes"):
        backup.save(settings, settings.home / "b.tar", now=NOW, say=print)
    foreign = settings.model_copy(update={"mlflow_url": "http://mlflow.example:5000"})
    with pytest.raises(UpkeepError, match=r"MLflow at http://mlflow\.example:5000 is none of `make run`"):
        backup.save(foreign, tmp_path / "b.tar", now=NOW, say=print)
    assert not list(tmp_path.glob("*b.tar*"))
    assert not list(tmp_path.glob(".backup-*"))


def test_a_schema_that_others_own_is_restored_over_what_it_became(
    conn: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    conn.execute("CREATE TABLE public.runs (run text PRIMARY KEY); INSERT INTO public.runs VALUES ('a')")
    conn.commit()
    dump.dump(database_url, "public", tmp_path / "mlflow.dump")
    conn.execute("INSERT INTO public.runs VALUES ('b'); CREATE TABLE public.later ()")
    conn.commit()
    dump.restore(database_url, "public", tmp_path / "mlflow.dump")
    assert conn.execute("SELECT run FROM public.runs").fetchall() == [("a",)]
    assert conn.execute("SELECT to_regclass('public.later')").fetchall() == [(None,)]
    conn.commit()
    (tmp_path / "mlflow.dump").write_bytes(b"no dump")
    with pytest.raises(UpkeepError, match=r"pg_restore of .*@127\.0\.0\.1:\d+/t_\S+ failed: .*archive"):
        dump.restore(database_url, "public", tmp_path / "mlflow.dump")
    migrate(database_url)
