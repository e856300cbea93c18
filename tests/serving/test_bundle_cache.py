"""Bundles from an object store: fetched whole or not at all, checked, and served from disk while the store is away."""

import errno
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest
from filelock import FileLock
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry as known_stores

from nextpick import bundle_cache
from nextpick.errors import BundleError
from nextpick.local import ports
from nextpick.models.bundle import load_bundle
from nextpick.models.manifest import MANIFEST
from serving.app import create_app
from tests.published import Version
from tests.serving.conftest import running, settings_for
from tests.serving.test_process import ROOT

SAID = "Restore|Put|Is the store up|Install|another folder"


class Store(ThreadingHTTPServer):
    """A web server over a folder that counts what it is asked for and may be told to break off."""

    asked: list[str]
    most_bytes: int | None = None


class _Handler(SimpleHTTPRequestHandler):
    server: Store

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        super().do_GET()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        outputfile.write(source.read(-1 if self.server.most_bytes is None else self.server.most_bytes))

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler: Callable[..., SimpleHTTPRequestHandler], port: int = 0) -> Iterator[Store]:
    with Store(("127.0.0.1", port), handler) as server:
        server.asked, server.daemon_threads = [], True
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def store(folder: Path, port: int = 0) -> Iterator[tuple[Store, str]]:
    """A store over `folder`, and the URL of what lies in it under "b"."""
    with serving(partial(_Handler, directory=str(folder)), port) as server:
        yield server, f"http://127.0.0.1:{server.server_address[1]}/b"


@pytest.fixture
def shelf(version: Version, tmp_path: Path) -> Path:
    """A folder with a copy of the bundle under "b"."""
    shutil.copytree(version.bundle_dir, tmp_path / "shelf" / "b")
    return tmp_path / "shelf"


def test_a_path_and_a_file_url_are_read_where_they_are(version: Version) -> None:
    for uri in (str(version.bundle_dir), version.bundle_dir.as_uri()):
        assert bundle_cache.folder(uri, version.bundle_sha256, None) == version.bundle_dir


def test_a_bundle_is_fetched_once_whoever_asks_and_is_there_while_the_store_is_away(
    shelf: Path, version: Version, tmp_path: Path
) -> None:
    with store(shelf) as (server, url):
        with ThreadPoolExecutor(8) as pool:
            found = set(pool.map(lambda _: bundle_cache.folder(url, version.bundle_sha256, tmp_path / "c"), range(8)))
        assert server.asked.count("/b/als.npz") == 1
    (there,) = found
    assert load_bundle(there, version.bundle_sha256).sha256 == version.bundle_sha256
    assert bundle_cache.folder(url, version.bundle_sha256, tmp_path / "c") == there
    with pytest.raises(BundleError, match=r"Cannot fetch manifest\.json from .*Is the store up"):
        bundle_cache.folder(url, "0" * 64, tmp_path / "c")


def test_what_was_changed_on_disk_is_fetched_anew(shelf: Path, version: Version, tmp_path: Path) -> None:
    with store(shelf) as (_, url):
        there = bundle_cache.folder(url, version.bundle_sha256, tmp_path)
        for name in ("ranker.txt", MANIFEST):
            (there / name).write_text("not this")
            assert load_bundle(bundle_cache.folder(url, version.bundle_sha256, tmp_path), version.bundle_sha256)
        (there / "ids.json").unlink()
    with pytest.raises(BundleError, match="Is the store up"):
        bundle_cache.folder(url, version.bundle_sha256, tmp_path)


def test_what_cannot_be_read_for_a_moment_is_not_thrown_away(
    shelf: Path, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store(shelf) as (_, url):
        there = bundle_cache.folder(url, version.bundle_sha256, tmp_path)

    def out_of_files(path: Path) -> str:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(bundle_cache, "_sum", out_of_files)
        with pytest.raises(BundleError, match="Too many open files"):
            bundle_cache.folder(url, version.bundle_sha256, tmp_path)
    assert bundle_cache.folder(url, version.bundle_sha256, tmp_path) == there


@pytest.mark.parametrize("fault", ["cut off", "changed", "absent", "another"])
def test_what_is_not_the_bundle_is_never_kept(shelf: Path, version: Version, tmp_path: Path, fault: str) -> None:
    cache, sha256 = tmp_path / "c", version.bundle_sha256
    with store(shelf) as (server, url):
        if fault == "cut off":
            server.most_bytes = 2000
        elif fault == "changed":
            (shelf / "b" / "ids.json").write_text("{}")
        elif fault == "absent":
            (shelf / "b" / "als.npz").unlink()
        else:
            sha256 = "0" * 64
        with pytest.raises(BundleError, match=SAID):
            bundle_cache.folder(url, sha256, cache)
    assert [one.name for one in cache.iterdir() if one.is_dir()] == []


def test_a_full_disk_is_named_with_what_to_do(
    shelf: Path, version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MemoryFileSystem, "get_file", full)
    with pytest.raises(BundleError, match=r"No space left on device\. Free some space, or set NEXTPICK_BUNDLE_CACHE"):
        bundle_cache.folder("memory://b", version.bundle_sha256, tmp_path)
    assert [one.name for one in tmp_path.iterdir() if one.is_dir() and one.name != "shelf"] == []


class Bucket(MemoryFileSystem):
    """Stands for s3fs, which is installed only where it is needed."""

    protocol = "s3"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return "/" + path.removeprefix("s3://").strip("/")


def test_an_s3_url_is_read_by_whatever_fsspec_has_for_it(
    version: Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(known_stores, "s3", Bucket)
    for path in version.bundle_dir.iterdir():
        Bucket().pipe_file(f"s3://bucket/models/{path.name}", path.read_bytes())
    there = bundle_cache.folder("s3://bucket/models/", version.bundle_sha256, tmp_path)
    assert load_bundle(there, version.bundle_sha256)


def test_a_kind_of_store_that_is_not_installed_is_named_and_no_secret_is(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="Install") as caught:
        bundle_cache.folder("gs://key:secret@bucket/b?token=secret", "0" * 64, tmp_path)
    assert "secret" not in str(caught.value)
    assert bundle_cache.shown("https://u:secret@h/b/?token=secret") == "https://h/b"


class _Refusing(SimpleHTTPRequestHandler):
    """Refuses whatever is asked, as a store does whose signature has run out."""

    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: object) -> None:
        pass


class Asking(MemoryFileSystem):
    """Stands for stores that are asked as soon as they are made, and are away."""

    def __init__(self, **_: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused: u:hush@h")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://u:hush@127.0.0.1:{port}/b", r"Cannot fetch manifest\.json from .*/b: ClientResponseError 403\. Is"),
        (
            "http://127.0.0.1:{port}/b?sig=hush",
            r"Cannot fetch manifest\.json from .*/b: ClientResponseError 403\. Is",
        ),
        ("http://u:hush@127.0.0.1:1/b", r"from http://127\.0\.0\.1:1/b: ClientConnectorError\. Is the store up"),
        ("asking://u:hush@h/b", r"Cannot open asking://h/b: ConnectionRefusedError\. Is the store up"),
        ("none-such://u:hush@h/b?hush", r"Cannot open none-such://h/b: ValueError\. .* fsspec knows"),
    ],
)
def test_no_secret_of_a_url_is_told_by_a_fault_nor_by_what_is_logged_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    monkeypatch.setitem(known_stores, "asking", Asking)
    with serving(_Refusing) as server, pytest.raises(BundleError, match=said) as caught:
        bundle_cache.folder(url.format(port=server.server_address[1]), "0" * 64, tmp_path)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


def test_a_signed_url_that_lacks_the_bundle_tells_no_signature(shelf: Path, tmp_path: Path) -> None:
    with store(shelf) as (_, url):
        signed = f"{url}/none?sig=hush"
        with pytest.raises(BundleError, match=r"There is no bundle in http.*/none:") as caught:
            bundle_cache.folder(signed, "0" * 64, tmp_path)
    assert "hush" not in "".join(traceback.format_exception(caught.value))


class _Silent(SimpleHTTPRequestHandler):
    """Takes the question, and says no more than that an answer is to come."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.rfile.read(1)  # until who asks hangs up

    def log_message(self, *_: object) -> None:
        pass


def test_a_store_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_cache, "SILENCE_SECONDS", 0.2)
    with serving(_Silent) as server, pytest.raises(BundleError, match=r"TimeoutError\. Is the store up"):
        bundle_cache.folder(f"http://127.0.0.1:{server.server_address[1]}/b", "0" * 64, tmp_path)


def test_who_waits_for_another_that_fetches_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_cache, "LOCK_SECONDS", 0.1)
    with FileLock(tmp_path / f".{'0' * 64}.lock"), pytest.raises(BundleError, match="Another process is fetching http"):
        bundle_cache.folder("http://127.0.0.1:1/b", "0" * 64, tmp_path)


def test_old_bundles_and_abandoned_drafts_go(shelf: Path, version: Version, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number:064}").mkdir()
    for draft in (".draft-1", ".draft-2", f".draft-{version.bundle_sha256}-1"):  # the last of the same fetch, just now
        (tmp_path / draft).mkdir()
    os.utime(tmp_path / ".draft-1", (0, 0))
    with store(shelf) as (_, url):
        there = bundle_cache.folder(url, version.bundle_sha256, tmp_path)
    left = {one.name for one in tmp_path.iterdir() if one.is_dir()} - {"shelf"}
    assert there.name in left
    assert len([name for name in left if not name.startswith(".")]) <= bundle_cache.KEPT + 1
    assert {name for name in left if name.startswith(".draft")} == {".draft-2"}


@pytest.mark.anyio
async def test_a_cold_start_without_the_store_serves_from_the_cache_and_a_store_that_is_away_keeps_the_old_release(
    shelf: Path, version: Version, tmp_path: Path, conn: psycopg.Connection, database_url: str, release_id: int
) -> None:
    settings = settings_for(database_url, bundle_cache=tmp_path / "c")

    def lead_to(uri: str) -> None:
        conn.execute("UPDATE nextpick.releases SET bundle_uri = %s", (uri,))
        conn.commit()

    with store(shelf, ports.free()) as (_, url):
        lead_to(url)
        async with running(create_app(settings)) as client:
            assert (await client.get("/releases/current")).json()["release"] == release_id
    async with running(create_app(settings)) as client:
        assert (await client.post("/recommend", json={"user_id": "tea01"})).json()["release"] == release_id
    async with running(create_app(settings_for(database_url, bundle_cache=tmp_path / "empty"))) as client:
        refused = await client.post("/recommend", json={"user_id": "tea01"})
        assert refused.status_code == 503
        assert "Is the store up" in refused.json()["detail"]


def test_serving_loads_nothing_of_training_nor_of_a_store_until_it_is_asked_for() -> None:
    heavy = {"mlflow", "airflow", "evidently", "dvc", "alembic", "sqlalchemy", "fsspec", "implicit", "optuna"}
    code = f"import sys, serving.app; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
