"""Stage: can a release be served as it is? Asked before it goes live by hand, as a rollback must not break anything."""

from pathlib import Path
from typing import Protocol

import psycopg

from nextpick import bundle_cache
from nextpick.bundle_cache import shown
from nextpick.errors import BundleError, NextPickError
from nextpick.models import manifest
from nextpick.settings import Settings
from nextpick.store import comparing
from nextpick.store.standings import Standing


class Kept(Protocol):
    """What names a bundle."""

    @property
    def bundle_uri(self) -> str: ...
    @property
    def bundle_sha256(self) -> str: ...


def fault(conn: psycopg.Connection, settings: Settings, standing: Standing) -> str:
    """Why the release cannot be served, or nothing. A bundle that is absent here is fetched from MLflow."""
    if standing.status == "building":
        return "it is still being built"
    if standing.status == "dropped" or not standing.there:
        return "its lists are no longer in the database"
    if not comparing.has_items(conn, standing.release_id):
        return "its items are no longer in the database"
    return bundle_fault(settings, standing)


def bundle_fault(settings: Settings, standing: Standing) -> str:
    """Why the release's bundle cannot be used here, or nothing. One that is absent here is fetched from MLflow."""
    try:
        folder = place(settings, standing)
        if not folder.exists():
            from nextpick import registry  # late: importing MLflow costs seconds

            registry.get(settings, standing.model_version)
        manifest.read(folder, standing.bundle_sha256)
    except BundleError as error:
        return f"its bundle cannot be used. {error}"
    except NextPickError as error:
        return f"its bundle is not in {shown(standing.bundle_uri)}, and cannot be fetched. {error}"
    return ""


def place(settings: Settings, release: Kept) -> Path:
    """The folder of a release's bundle on this machine; one in an object store is fetched. Raises: BundleError."""
    return bundle_cache.folder(release.bundle_uri, release.bundle_sha256, settings.bundle_cache_folder)
