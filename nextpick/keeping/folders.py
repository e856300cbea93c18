"""What goes on this machine: bundles and cards that can be fetched again or that nobody needs, old pipeline copies."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from nextpick import pipeline
from nextpick.keeping.freed import Freed, bytes_of
from nextpick.settings import Settings

FRESH = timedelta(days=1)  # since it was made: somebody may be about to use it, or be still at it


def runs(settings: Settings, keep: int, now: datetime, horizon: datetime, dry: bool) -> Freed:
    """Run folders but the newest, those from before `horizon`, and what killed runs left of theirs."""
    freed = Freed()
    there = pipeline.run_folders(settings)
    whole = [folder for folder in there if not folder.name.startswith(".")]
    for folder in there:
        if _is_old(folder, max(horizon, now - FRESH if folder not in whole[:keep] else horizon)):
            _remove(folder, freed, dry)
    return freed


def others(folder: Path, stay: frozenset[str], now: datetime, dry: bool) -> Freed:
    """What is in a folder and not named in `stay`."""
    freed = Freed()
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name not in stay and _is_old(path, now - FRESH):
            _remove(path, freed, dry)
    return freed


def strays(folder: Path, named: frozenset[str], now: datetime, dry: bool) -> Freed:
    """Files below a folder that nobody names, by their path in it: what was killed while it wrote leaves them."""
    freed = Freed()
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
        if path.is_dir() and not path.is_symlink():
            if not dry and not any(path.iterdir()) and _is_old(path, now - FRESH):
                path.rmdir()
        elif path.relative_to(folder).as_posix() not in named and _is_old(path, now - FRESH):
            freed.add(f"stray {path.relative_to(folder)}", path.lstat().st_size)
            if not dry:
                path.unlink()
    return freed


def _is_old(path: Path, before: datetime) -> bool:
    return path.lstat().st_mtime < before.timestamp()


def _remove(path: Path, freed: Freed, dry: bool) -> None:
    """It vanishes under its name first: whoever looks sees all of it or nothing."""
    freed.add(f"{path.parent.name}/{path.name}", bytes_of(path))
    if not dry:
        gone = path if path.name.startswith(".") else path.rename(path.with_name(f".{path.name}.gone"))
        shutil.rmtree(gone)
