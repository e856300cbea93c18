"""Room on the disk: enough to begin, and a word before it runs out."""

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic

from nextpick.errors import LocalError

MEGABYTE = 1_000_000
FIRST = 1000 * MEGABYTE  # a run from nothing leaves half of it behind
AGAIN = 200 * MEGABYTE
LOW = 100 * MEGABYTE
LOOK_SECONDS = 10.0


def require(folders: Iterable[Path], needed: int) -> None:
    """Raises: LocalError naming the folder whose disk has less than `needed` bytes free."""
    for folder in folders:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise LocalError(
                f"Only {free // MEGABYTE:,} MB are free where {folder} is; {needed // MEGABYTE:,} MB are needed. "
                "Free space there, or give everything another place by NEXTPICK_HOME in .env."
            )


def watch(folders: Iterable[Path], say: Callable[[str], None]) -> Callable[[], None]:
    """What to call often: it looks now and then, and says once when a disk is nearly full."""
    folders, looked, low = tuple(folders), 0.0, False

    def look() -> None:
        nonlocal looked, low
        if monotonic() - looked < LOOK_SECONDS:
            return
        looked = monotonic()
        was_low, low = low, False
        for folder in folders:
            free = shutil.disk_usage(folder).free
            low = low or free < LOW
            if free < LOW and not was_low:
                say(f"Only {free // MEGABYTE:,} MB are free where {folder} is: free space there before all stops.")

    return look
