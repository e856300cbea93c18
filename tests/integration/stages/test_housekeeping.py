"""Housekeeping: what is old goes, what is in use stays, and one part's trouble is no other's."""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pandas as pd
import psycopg
import pytest

from nextpick import pipeline, registry
from nextpick.errors import UpkeepError
from nextpick.models import manifest
from nextpick.settings import Settings
from nextpick.stages import erase, housekeeping
from nextpick.stages.housekeeping import Done
from nextpick.store import events
from tests.orchestrated import small_project
from tests.published import LAST, fill

NOW = LAST + timedelta(days=1)
OLD = (NOW - timedelta(days=3)).timestamp()
OLD_LOAD = datetime(2025, 1, 1, tzinfo=UTC)
LINEAGE = {"run_id": "r", "git_sha": "f" * 40, "dirty": "false", "data_md5": "0" * 32, "dvc_lock_md5": "1" * 32}


@pytest.fixture
def settings(empty_mlflow: Path, tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    shutil.copy(empty_mlflow, tmp_path / "home" / "mlflow.db")
    kept = {"generations": 2, "events_days": 120, "models": 1, "snapshots": 1, "run_folders": 1, "airflow_days": None}
    split = {"label_days": 14, "label_windows": 1, "test_days": 14}
    project = small_project(tmp_path / "project", retention=kept | {"impressions_days": 90}, split=split)
    return Settings(_env_file=None, home=tmp_path / "home", project=project)


@pytest.fixture
def conn(conn: psycopg.Connection) -> psycopg.Connection:
    fill(conn)
    conn.commit()
    conn.autocommit = True
    return conn


@pytest.fixture
def made(settings: Settings, tmp_path: Path) -> Callable[[str], registry.ModelVersion]:
    """Registers a version whose bundle holds a text."""

    def make(text: str) -> registry.ModelVersion:
        folder = tmp_path / f"run {text}"
        sha256 = manifest.write({"ranker.txt": text.encode()}, folder / "models" / "bundle")
        (folder / "metrics.json").write_text("{}")
        (folder / "params.yaml").write_text("seed: 42\n")
        (folder / "dvc.lock").write_text("schema: '2.0'\n")
        return registry.register(settings, folder, sha256, LINEAGE)

    return make


def tidied(conn: psycopg.Connection, settings: Settings, **more: bool) -> dict[str, Done]:
    return {one.name: one for one in housekeeping.run(conn, settings, now=NOW, **more)}


def released(conn: psycopg.Connection, version: str = "1", sha256: str = "", status: str = "ready") -> int:
    """A release of one list, without the work of computing any."""
    row = conn.execute(
        "INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff, status, created_at, bytes) "
        "VALUES (%s, '', %s, %s, %s, %s, 1000) RETURNING release_id",
        (version, sha256, LAST, status, NOW - timedelta(days=30)),
    ).fetchone()
    assert row is not None
    for parent in ("lists", "release_items"):
        table = f"nextpick.{parent}_{row[0]}"
        conn.execute(f"CREATE TABLE {table} (LIKE nextpick.{parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")  # type: ignore[arg-type]
        conn.execute(f"ALTER TABLE nextpick.{parent} ATTACH PARTITION {table} FOR VALUES IN ({row[0]})")  # type: ignore[arg-type]
    return int(row[0])


def months(conn: psycopg.Connection, table: str) -> set[str]:
    found = conn.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", (table,))
    return {row[0].rpartition("events_")[2] for row in found} - {"default"}


def statuses(conn: psycopg.Connection) -> dict[int, str]:
    return dict(conn.execute("SELECT release_id, status FROM nextpick.releases").fetchall())


def buy(conn: psycopg.Connection, at: datetime) -> None:
    frame = pd.DataFrame([{"event_id": uuid4().hex, "user_id": "u", "item_id": "i", "kind": "view", "value": 1.0}])
    with conn.transaction():
        events.insert(conn, frame.assign(occurred_at=pd.Series([at]).astype("datetime64[us, UTC]")))


def test_old_months_go_whole_with_the_ids_of_their_events(conn: psycopg.Connection, settings: Settings) -> None:
    buy(conn, LAST - timedelta(days=200))
    assert min(months(conn, "nextpick.events")) == "2025_04"
    done = tidied(conn, settings)["events"]
    assert done.freed.said == ["events_2025_04"]
    assert done.freed.size > 0
    assert min(months(conn, "nextpick.events")) == "2025_07"  # 120 days before the last event: 15 July
    left = "SELECT count(*), (SELECT count(*) FROM nextpick.events) FROM nextpick.event_ids"
    assert conn.execute(left).fetchone() == (961, 961)
    assert tidied(conn, settings)["events"].freed.said == []


def test_days_count_back_from_the_newest_event_so_an_old_data_set_stays(
    conn: psycopg.Connection, settings: Settings
) -> None:
    before = months(conn, "nextpick.events")
    done = housekeeping.run(conn, settings, now=NOW + timedelta(days=3650))
    assert not next(one for one in done if one.name == "events").freed.said
    assert before <= months(conn, "nextpick.events")


def test_rows_in_a_default_partition_are_told_of_and_moved_and_none_is_lost(
    conn: psycopg.Connection, settings: Settings
) -> None:
    conn.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at) "
        "VALUES ('far', 'u', 'i', 'view', '2031-05-06T00:00Z')"
    )
    done = housekeeping.run(conn, settings, now=NOW)
    assert done[0].freed.alarms == ["1 rows were in events_default, which should be empty: of 2031-05"]
    with pytest.raises(UpkeepError, match=r"1 rows were in events_default.*of 2031-05.* the rest was done"):
        housekeeping.judge(done)
    assert "2031_05" in months(conn, "nextpick.events")
    assert conn.execute("SELECT count(*) FROM nextpick.events WHERE event_id = 'far'").fetchone() == (1,)
    housekeeping.judge(housekeeping.run(conn, settings, now=NOW))


def test_what_can_be_gone_back_to_stays_and_so_does_what_is_live_however_old(
    conn: psycopg.Connection, settings: Settings
) -> None:
    live = released(conn)
    conn.execute("INSERT INTO nextpick.live VALUES ('default', %s, 1)", (live,))
    other = [
        released(conn, status=status) for status in ("ready", "blocked", "rejected", "blocked", "ready", "building")
    ]
    done = tidied(conn, settings)["generations"]
    assert done.freed.said == [f"the lists of release {other[1]}"]
    assert statuses(conn) == {
        live: "ready", other[0]: "ready", other[1]: "dropped", other[2]: "rejected", other[3]: "blocked",
        other[4]: "ready", other[5]: "building",
    }  # fmt: skip


def test_versions_in_use_stay_with_their_runs_and_bundles_and_so_does_the_memory_of_those_rejected(
    conn: psycopg.Connection, settings: Settings, made: Callable[[str], registry.ModelVersion]
) -> None:
    versions = [made(text) for text in ("champion", "rejected", "released", "spare", "newest")]
    registry.promote(settings, "1", force="a test")
    registry.reject(settings, "2", "it sold poison")
    released(conn, "3", versions[2].bundle_sha256)
    bundles = settings.home / "bundles"
    for folder in bundles.iterdir():
        os.utime(folder, (OLD, OLD))
    done = tidied(conn, settings)
    assert {name: one.fault for name, one in done.items() if one.fault} == {}
    assert done["models"].freed.said == ["version 4", "run r", "run r"]
    assert done["models"].freed.size > 0
    assert [version.version for version in registry.newest(settings, 9)] == ["5", "3", "2", "1"]
    stay = {versions[place].bundle_sha256 for place in (0, 2, 4)}
    assert {folder.name for folder in bundles.iterdir()} == stay
    logged = settings.home / "mlflow" / "artifacts"
    assert {file.read_text() for file in logged.rglob("ranker.txt")} == {"champion", "released", "newest"}
    assert made("rejected").rejected == "it sold poison"
    assert tidied(conn, settings)["models"].freed.said == []


def test_what_was_made_before_an_erasure_goes_in_time_and_a_model_in_use_that_cannot_alarms(
    conn: psycopg.Connection, settings: Settings, made: Callable[[str], registry.ModelVersion]
) -> None:
    for text in ("champion", "spare", "newest"):
        made(text)
    registry.promote(settings, "1", force="a test")
    live, other = released(conn), released(conn)
    conn.execute("INSERT INTO nextpick.live VALUES ('default', %s, 1)", (live,))
    conn.execute("UPDATE nextpick.releases SET created_at = now()")
    receipt = erase.run(conn, settings, "tea03")
    assert receipt.gone.events == 40
    assert receipt.copies_until - receipt.gone.erased_at == timedelta(days=31)
    assert f"By {receipt.copies_until:%Y-%m-%d}: what was made before" in "\n".join(receipt.lines())
    for days, left, statuses_then in ((29, ["3", "1"], ["ready", "ready"]), (31, ["1"], ["ready", "dropped"])):
        now = receipt.gone.erased_at + timedelta(days=days)
        done = {one.name: one for one in housekeeping.run(conn, settings, now=now)}
        assert [version.version for version in registry.newest(settings, 9)] == left
        assert [statuses(conn)[release] for release in (live, other)] == statuses_then
    (alarm,) = done["models"].freed.alarms
    assert "Version 1 is in use and was trained before users were erased on" in alarm
    assert {file.read_text() for file in (settings.home / "mlflow").rglob("ranker.txt")} == {"champion"}


def test_without_mlflow_its_parts_and_those_that_need_it_wait_and_the_others_are_done(
    conn: psycopg.Connection, settings: Settings
) -> None:
    bundle = settings.home / "bundles" / "unknown"
    bundle.mkdir(parents=True)
    os.utime(bundle, (OLD, OLD))
    buy(conn, LAST - timedelta(days=200))
    away = settings.model_copy(update={"mlflow_url": "http://127.0.0.1:1"})
    done = housekeeping.run(conn, away, now=NOW)
    assert [one.name for one in done if one.fault] == ["models"]
    assert {"bundles", "cards", "DVC"}.isdisjoint({one.name for one in done})
    assert bundle.exists()
    assert "2025_04" not in months(conn, "nextpick.events")
    with pytest.raises(UpkeepError, match=r"models: MLflow at http://127\.0\.0\.1:1 cannot do what was asked"):
        housekeeping.judge(done)


def test_dvc_keeps_what_a_snapshot_names_and_nothing_that_only_old_run_folders_had(
    conn: psycopg.Connection, settings: Settings
) -> None:
    found = {}
    for name in ("snapshot", "forgotten"):
        folder = pipeline.start(settings, name)
        (folder / pipeline.RAW).mkdir(parents=True, exist_ok=True)
        (folder / pipeline.RAW / "events.csv").write_text(name)
        found[name] = pipeline.track(folder)
        os.utime(folder, (OLD, OLD))
    pipeline.push(folder, only_raw=True)
    pipeline.start(settings, "newest")
    conn.execute(
        "INSERT INTO nextpick.snapshots (raw_md5, cutoff, events, run_id) VALUES (%s, now(), 1, 'r')",
        (found["snapshot"],),
    )
    done = tidied(conn, settings)
    assert {one.name: one.fault for one in done.values() if one.fault} == {}
    assert [folder.name for folder in pipeline.run_folders(settings)] == ["newest"]
    assert done["DVC"].freed.said == ["2 files of the cache", "2 files of the remote"]
    assert done["DVC"].freed.size > 0
    kept = {file.parent.name + file.name for file in (settings.home / "dvc" / "cache" / "files").rglob("*.dir")}
    assert kept == {found["snapshot"]}
    assert not list((settings.home / "dvc" / "remote").rglob("*.dir"))


def test_the_data_of_a_version_that_a_kept_release_has_stays_and_can_be_put_back(
    conn: psycopg.Connection, settings: Settings, made: Callable[[str], registry.ModelVersion]
) -> None:
    """Neither the newest snapshot, nor in a run folder, nor of a newest version: only the release needs it."""
    md5s = []
    for name in ("released", "spare"):
        raw = (folder := pipeline.start(settings, name)) / pipeline.RAW
        raw.mkdir(parents=True, exist_ok=True)
        (raw / "events.csv").write_text(name)
        md5s.append(pipeline.track(folder))
        (folder / "metrics.json").write_text("{}")
        sha256 = manifest.write({"ranker.txt": name.encode()}, folder / "models" / "bundle")
        registry.register(settings, folder, sha256, {**LINEAGE, "data_md5": md5s[-1]})
        os.utime(folder, (OLD, OLD))
    released(conn, "1")
    made("newest")
    assert not any(one.fault for one in tidied(conn, settings).values())
    assert {file.parent.name + file.name for file in (settings.home / "dvc/cache/files").rglob("*.dir")} == {md5s[0]}
    pipeline.restore(folder := pipeline.start(settings, "again"), md5s[0])
    assert (folder / pipeline.RAW / "events.csv").read_text() == "released"


def test_a_trial_run_says_what_would_go_and_changes_nothing(conn: psycopg.Connection, settings: Settings) -> None:
    buy(conn, LAST - timedelta(days=200))
    for _ in range(3):
        released(conn)
    bundle = settings.home / "bundles" / "unknown"
    bundle.mkdir(parents=True)
    os.utime(bundle, (OLD, OLD))
    done = tidied(conn, settings, dry=True)
    said = {name: one.freed.said for name, one in done.items() if one.freed.said}
    assert said == {
        "events": ["events_2025_04"], "generations": ["the lists of release 1"], "bundles": ["bundles/unknown"]
    }  # fmt: skip
    assert "2025_04" in months(conn, "nextpick.events")
    assert statuses(conn) == {1: "ready", 2: "ready", 3: "ready"}
    assert bundle.exists()


def test_old_reports_lose_their_page_and_loads_their_rejected_rows(
    conn: psycopg.Connection, settings: Settings
) -> None:
    page = settings.home / "reports" / "drift" / "2024-01-01" / "050000.html"
    page.parent.mkdir(parents=True)
    page.write_text("<html>")
    conn.execute(
        "INSERT INTO nextpick.drift_reports (as_of, run_id, current_start, current_end, reference_start, "
        "reference_end, verdict, reasons, path, notified) SELECT day, 'r', day, day, day, day, 'ok', '{}', "
        "to_char(day, 'YYYY-MM-DD') || '/050000.html', 'not_needed' "
        "FROM unnest('{2024-01-01T05:00Z,2025-11-12T05:00Z}'::timestamptz[]) AS day"
    )
    conn.execute("INSERT INTO nextpick.loads (source, finished_at) VALUES ('a', %s), ('b', %s)", (OLD_LOAD, LAST))
    conn.execute("INSERT INTO nextpick.quarantine VALUES (1, 1, 'no item', '{}'), (2, 1, 'no item', '{}')")
    done = tidied(conn, settings)
    assert done["reports"].freed.said == ["report 2024-01-01/050000.html"]
    assert not page.parent.exists()
    assert conn.execute("SELECT path FROM nextpick.drift_reports ORDER BY as_of").fetchall() == [
        (None,), ("2025-11-12/050000.html",)
    ]  # fmt: skip
    assert done["quarantine"].freed.said == ["1 rejected rows"]
    assert conn.execute("SELECT load_id FROM nextpick.quarantine").fetchall() == [(2,)]
