"""Nights after a rollback, with real bundles and lists: what was gone back from stays away."""

from pathlib import Path

import psycopg
import pytest

from nextpick import registry
from nextpick.errors import ReleaseRefused
from nextpick.settings import Settings
from nextpick.stages import publish, rollback
from nextpick.store import releases
from tests.integration.registry.conftest import LINEAGE
from tests.published import Version, another_bundle, fill


def test_going_back_survives_the_night_and_the_lists_are_fresh(
    conn: psycopg.Connection, version: Version, settings: Settings, tmp_path: Path
) -> None:
    """Version 2 is gone back from: nightly runs make lists with version 1 until somebody with a reason forces it."""
    with conn.transaction():
        fill(conn)
    other = another_bundle(version, tmp_path)
    for one in (version, other):
        registered = registry.register(settings, one.bundle_dir.parents[1], one.bundle_sha256, LINEAGE)
        registry.promote(settings, registered.version, force="a test")
        publish.run(conn, settings)
    assert live_version(conn) == "2"
    rollback.run(conn, settings, who="anna", because="complaints")
    assert publish.run(conn, settings) == 3
    assert live_version(conn) == "1"
    assert registry.register(settings, other.bundle_dir.parents[1], other.bundle_sha256, LINEAGE).aliases == frozenset()
    with pytest.raises(ReleaseRefused, match="Version 2 was gone back from: anna: complaints"):
        publish.run(conn, settings, version="2")
    assert live_version(conn) == "1"
    publish.run(conn, settings, version="2", because="it was the weather")
    assert live_version(conn) == "2"
    publish.run(conn, settings)
    assert live_version(conn) == "2"


def live_version(conn: psycopg.Connection) -> str:
    live = releases.live(conn)
    assert live is not None
    return live.model_version
