"""Going back and forth as a reader in a loop sees it, and where people find what a release changes."""

import threading
from pathlib import Path

import psycopg

from nextpick import registry
from nextpick.mlflow_engine import connected
from nextpick.settings import Settings
from nextpick.stages import compare, go_live, rollback
from tests.integration.release.generations import made, same
from tests.integration.rollback.conftest import Champion, away, published

READ = """
SELECT r.release_id, r.status, r.model_version, count(l.user_id), count(DISTINCT i.item_id)
FROM nextpick.live JOIN nextpick.releases AS r USING (release_id)
LEFT JOIN nextpick.lists AS l ON l.release_id = r.release_id
LEFT JOIN nextpick.release_items AS i ON i.release_id = r.release_id AND i.item_row = l.item_rows[1]
GROUP BY r.release_id
"""


def test_a_reader_sees_no_release_that_was_left_and_none_in_part(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int], database_url: str
) -> None:
    done, seen = threading.Event(), set()

    def read() -> None:
        with psycopg.connect(database_url, autocommit=True) as reader:
            while not done.is_set():
                seen.update(reader.execute(READ).fetchall())

    gone = away(settings)
    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(4):
            rollback.run(conn, gone, who="anna", because="complaints")
            go_live.run(conn, gone, two[1], who="ben", because="the weather")
    finally:
        done.set()
        for reader in readers:
            reader.join()
    first, second = two
    assert seen == {(first, "ready", "1", 20, 20), (second, "ready", "2", 20, 20)}


def test_what_a_release_changes_is_in_mlflow_with_the_run_of_its_model(
    conn: psycopg.Connection, settings: Settings, champion: Champion, tmp_path: Path
) -> None:
    version = champion("a")
    published(conn, settings, version, 0)
    run_id = registry.get(settings, version.version).lineage["mlflow_run_id"]
    bundle = (version.version, str(version.bundle_dir), version.bundle_sha256)
    new = made(conn, same(first=3), bundle=bundle, night=1, run=run_id)
    compare.run(conn, settings, new)
    with connected(settings) as client:
        files = {file.path for file in client.list_artifacts(run_id, f"releases/{new}")}
        told = Path(client.download_artifacts(run_id, f"releases/{new}/diff.md", str(tmp_path))).read_text()
    assert {Path(file).suffix for file in files} == {".md", ".json", ".png"}
    assert f"# Release {new}, model version 1" in told
    assert "| users | 20 | 20 |" in told
