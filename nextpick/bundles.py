"""Bundles on this machine: each in `<home>/bundles/<sha256>`, whence it is read."""

import shutil
from pathlib import Path
from uuid import uuid4

from nextpick.models import manifest
from nextpick.settings import Settings


def place(settings: Settings, bundle_sha256: str) -> Path:
    """Where the bundle of that sha256 lies, if it is here."""
    return settings.home.resolve() / "bundles" / bundle_sha256


def keep(settings: Settings, bundle: Path, bundle_sha256: str) -> None:
    """Copy a bundle to its place, whole or not at all. Raises: BundleError where it is another one."""
    manifest.read(bundle, bundle_sha256)
    target = place(settings, bundle_sha256)
    if target.exists():
        return
    draft = target.with_name(f".{uuid4().hex}")
    shutil.copytree(bundle, draft)
    try:
        draft.rename(target)
    except OSError:  # another process was quicker; its copy has passed the same check
        shutil.rmtree(draft)
