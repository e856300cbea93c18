"""One run a clone: a lock that the kernel frees however its holder ends."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from nextpick.errors import LocalError


@contextmanager
def only_run(home: Path, what: str) -> Iterator[None]:
    """Hold the clone's lock. Raises: LocalError naming the holder, where there is one; `what` cannot go on then."""
    holder = home / "run.json"
    lock = FileLock(home / "run.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise LocalError(
            f"{what}: {_words(holder)} is alive in this clone. End it first, with Ctrl-C where it runs."
        ) from None
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="minutes")}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _words(holder: Path) -> str:
    try:
        known = json.loads(holder.read_text())
        return f"a `make run` (process {known['pid']}, since {known['since']})"
    except (OSError, ValueError, KeyError):
        return "a `make run`"
