"""Machines that share no folder: a bundle is put into an object store, and whoever needs it reads it there."""

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from nextpick import bundle_store
from nextpick.errors import BundleError
from nextpick.models import manifest
from nextpick.settings import Settings
from nextpick.stages import precompute, recommend, usable
from nextpick.store import releases, standings
from tests.published import Version, fill


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store in memory, of this test's own."""
    return f"memory://{tmp_path.name}/bundles"


@pytest.fixture
def elsewhere(tmp_path: Path, store: str) -> Settings:
    """The settings of a machine without the bundle's folder."""
    return Settings(_env_file=None, home=tmp_path / "elsewhere", bundle_store=store)


def test_a_bundle_is_put_there_once_and_its_manifest_last(version: Version, store: str) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    uri = bundle_store.put(store + "/", version.bundle_dir, version.bundle_sha256)
    assert uri == f"{store}/{version.bundle_sha256}"
    files = MemoryFileSystem()
    names = {Path(path).name for path in files.ls(uri.removeprefix("memory:/"), detail=False)}
    assert names == {path.name for path in version.bundle_dir.iterdir()}
    last = max(files.ls(uri.removeprefix("memory:/")), key=lambda one: one["created"])
    assert Path(last["name"]).name == manifest.MANIFEST
    assert bundle_store.put(store, version.bundle_dir, version.bundle_sha256) == uri
    assert max(one["created"] for one in files.ls(uri.removeprefix("memory:/"))) == last["created"]


def test_a_release_names_it_there_and_is_filled_asked_and_gone_back_to_from_another_machine(
    conn: psycopg.Connection, version: Version, store: str, elsewhere: Settings
) -> None:
    fill(conn)
    conn.commit()
    uri = bundle_store.put(store, version.bundle_dir, version.bundle_sha256)
    planned = precompute.begin(conn, version, run_id="command.test", users_per_block=10, bundle_uri=uri)
    precompute.fill(conn, planned.release_id, *planned.blocks, cache=elsewhere.bundle_cache_folder)
    conn.autocommit = True
    standing = standings.get(conn, planned.release_id)
    assert standing.bundle_uri == uri
    assert usable.bundle_fault(elsewhere, standing) == ""
    from nextpick.release.publish import finish

    finish(conn, planned.release_id)
    releases.flip(conn, planned.release_id)
    loaded, found = recommend.run(conn, elsewhere, "tea03", 5)
    assert (loaded.release_id, len(found)) == (planned.release_id, 5)
    assert (elsewhere.home / "bundle-cache" / version.bundle_sha256).is_dir()
    gone = replace(standing, bundle_uri=f"{uri}-gone", bundle_sha256="0" * 64)
    assert "its bundle cannot be used. There is no bundle in memory://" in usable.bundle_fault(elsewhere, gone)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (
            "https://key@example.test/b",
            "Bundles cannot be put into https://example.test/b: nothing can be written there. NEXTPICK_BUNDLE",
        ),
        ("/srv/bundles", "wants a store that can be written"),
        ("gs://key:SECRET@bucket/b", "gs://bucket/b: a password or key in it would be read by all"),
        ("gs://bucket/b?sig=SECRET", "gs://bucket/b: a password or key in it would be read by all"),
        ("file://relative/b", "a folder is named from / on"),
        ("file:///srv/a%20b", "a folder is named from / on"),
        ("nosuch://bucket/b", "Cannot put the bundle into nosuch://bucket/b: ValueError"),
        ("file:///proc/nowhere", "Cannot put the bundle into file:///proc/nowhere: .*Error"),
    ],
)
def test_a_store_that_cannot_be_written_is_named_without_its_key(version: Version, where: str, said: str) -> None:
    with pytest.raises(BundleError, match=said) as refused:
        bundle_store.put(where, version.bundle_dir, version.bundle_sha256)
    assert "SECRET" not in str(refused.value)


def test_a_bundle_that_was_damaged_there_is_whole_once_it_is_put_again(version: Version, tmp_path: Path) -> None:
    store = f"file://{tmp_path}/store"
    uri = bundle_store.put(store, version.bundle_dir, version.bundle_sha256)
    there = Path(uri.removeprefix("file://"))
    one, other, *_ = sorted(path for path in there.iterdir() if path.name != manifest.MANIFEST)
    one.write_bytes(b"x")
    other.unlink()
    assert bundle_store.put(store, version.bundle_dir, version.bundle_sha256) == uri
    assert manifest.read(there, version.bundle_sha256) == manifest.read(version.bundle_dir, version.bundle_sha256)


def test_another_bundle_than_was_registered_is_not_put_there(version: Version, store: str) -> None:
    with pytest.raises(BundleError):
        bundle_store.put(store, version.bundle_dir, "0" * 64)
