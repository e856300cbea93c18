"""A release whose candidates an approximate index looks for: built as any other, its recall told."""

import shutil
from dataclasses import replace
from pathlib import Path

import psycopg
from structlog.testing import capture_logs

from nextpick.models.bundle import load_bundle, save_bundle
from nextpick.store import releases
from tests.published import Version, fill, publish


def test_the_share_of_the_exact_candidates_that_it_finds_is_told_with_the_build(
    conn: psycopg.Connection, version: Version, tmp_path: Path
) -> None:
    fill(conn)
    conn.commit()
    folder = Path(shutil.copytree(version.bundle_dir, tmp_path / "rough"))
    bundle = load_bundle(folder)
    generators = {**bundle.generators, "als": replace(bundle.generators["als"], probes=1)}  # type: ignore[type-var]
    sha256 = save_bundle(replace(bundle, generators=generators), folder)
    with capture_logs() as logs:
        exact = publish(conn, version)
        rough = publish(conn, replace(version, version="2", bundle_dir=folder, bundle_sha256=sha256))
    (told,) = (entry for entry in logs if entry["event"] == "approximate index")
    assert told["generator"] == "als"
    assert told["users"] == 10, "it is not asked of the first block"
    assert told["recall"] == 1.0, "so few items are all looked at"
    live = releases.live(conn)
    assert live is not None
    assert live.release_id == rough != exact
