"""Releases of versions in an MLflow of the test's own, to go back and forth between."""

import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from nextpick import registry
from nextpick.local import ports
from nextpick.models import manifest
from nextpick.registry import ModelVersion
from nextpick.settings import Settings
from nextpick.stages import go_live
from nextpick.store import releases
from tests.integration.registry.conftest import LINEAGE
from tests.integration.release.generations import made, same

Champion = Callable[[str], ModelVersion]


@pytest.fixture
def settings(empty_mlflow: Path, tmp_path: Path) -> Settings:
    """A home of the test's own, with such an MLflow."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_mlflow, home)
    return Settings(_env_file=None, home=home)


@pytest.fixture(autouse=True)
def each_statement_its_own_transaction(conn: psycopg.Connection) -> None:
    conn.autocommit = True


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def champion(settings: Settings, tmp_path: Path) -> Champion:
    """Registers a bundle that holds a text, and makes it champion."""

    def make(text: str) -> ModelVersion:
        folder = tmp_path / f"run {text}"
        sha256 = manifest.write({"ranker.txt": text.encode()}, folder / "models" / "bundle")
        (folder / "metrics.json").write_text("{}")
        (folder / "params.yaml").write_text("seed: 42\n")
        version = registry.register(settings, folder, sha256, LINEAGE)
        registry.judged(settings, version.version, True, ["good"])
        registry.promote(settings, version.version)
        return registry.get(settings, version.version)

    return make


def published(conn: psycopg.Connection, settings: Settings, version: ModelVersion, night: int) -> int:
    """A release of a version, live."""
    bundle = (version.version, str(version.bundle_dir), version.bundle_sha256)
    release_id = made(conn, same(), bundle=bundle, night=night)
    go_live.run(conn, settings, release_id, who="airflow")
    return release_id


@pytest.fixture
def two(conn: psycopg.Connection, settings: Settings, champion: Champion) -> tuple[int, int]:
    """Releases of versions 1 and 2, the second live."""
    first = published(conn, settings, champion("a"), 0)
    return first, published(conn, settings, champion("b"), 1)


def live(conn: psycopg.Connection) -> int | None:
    found = releases.live(conn)
    return found.release_id if found else None


def champions(settings: Settings) -> str | None:
    found = registry.champion(settings)
    return found.version if found else None


def away(settings: Settings) -> Settings:
    """The same with an MLflow that is away."""
    gone = settings.model_copy(update={"mlflow_url": f"http://127.0.0.1:{ports.free()}"})
    gone.__dict__.pop("tracking_uri", None)
    return gone
