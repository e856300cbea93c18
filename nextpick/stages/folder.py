"""A stage's outputs appear whole or not at all, and its faults are said without a traceback."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nextpick.errors import NextPickError


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that takes the place of `path` once it is full; after a fault `path` is as it was."""
    draft, old = path.with_name(f".{path.name}.new"), path.with_name(f".{path.name}.old")
    for leftover in (draft, old):
        shutil.rmtree(leftover, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    if path.exists():
        path.rename(old)
    draft.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def main(run: Callable[[Path], None]) -> None:
    """Run a stage in the current folder, as DVC does."""
    try:
        run(Path.cwd())
    except NextPickError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        raise SystemExit(1) from None
