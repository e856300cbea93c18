"""Forgetting: all data of this clone, wherever it lies, and the caches of the tools. The .venv stays."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from nextpick.errors import LocalError
from nextpick.local import lock, place, postgres, remains, secrets
from nextpick.settings import Settings

CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")


def run(settings: Settings, say: Callable[[str], None]) -> None:
    """Remove it, after ending what a killed run left. Raises: LocalError while a run is alive."""
    home = settings.home.resolve()
    _require_own(home, settings)
    if home.exists():
        with lock.only_run(home, "Nothing was removed"):
            _end_remains(home)
            folder = place.owned(home)
            if folder is not None:
                postgres.end_left_behind(postgres.Cluster(folder))
            for path in (folder, home):
                if path is not None and path.exists():
                    _remove(path)
                    say(f"Removed {path}")
    if left := place.orphans():
        say(f"Left by clones that are gone: rm -r {' '.join(map(str, left))}")
    for name in CACHES:
        shutil.rmtree(settings.project / name, ignore_errors=True)
    for cache in settings.project.glob("[!.]*/**/__pycache__"):
        shutil.rmtree(cache, ignore_errors=True)


def _require_own(home: Path, settings: Settings) -> None:
    """A slip in NEXTPICK_HOME must not cost anybody their files."""
    if home in {place for own in (settings.project.resolve(), Path.home()) for place in (own, *own.parents)}:
        raise LocalError(f"NEXTPICK_HOME is {home}, which holds more than NextPick's data. Nothing was removed.")


def _end_remains(home: Path) -> None:
    file = home / "secrets.json"
    if file.exists():
        with suppress(LocalError):  # unreadable, which is no reason to keep the data
            remains.end(secrets.load(file).token, home)


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise LocalError(f"Cannot remove {error.filename}: {error.strerror}. Whose is it? Then: rm -r {path}") from None
