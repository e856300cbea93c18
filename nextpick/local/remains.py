"""What a killed run left behind: known by a mark in its environment, and ended.

Every process that a run starts carries the mark, and hands it to whatever it starts itself, however far that goes away.
The mark holds a random token of this clone and the clone's path, so a copy of the clone has another one. A process
without the mark is never touched.
"""

from pathlib import Path

import psutil

from nextpick.local import process

VARIABLE = "NEXTPICK_RUN"
SECONDS = 15.0


def environment(token: str, home: Path) -> dict[str, str]:
    """What is to be in the environment of everything a run starts."""
    # Airflow shows its processes' state in their titles; without SPT_NOENV these are written over the environment
    return {VARIABLE: _mark(token, home), "SPT_NOENV": "1"}


def find(token: str, home: Path) -> list[psutil.Process]:
    """The processes that carry the mark. To be asked only while no run is alive, which is what the lock says."""
    us = {psutil.Process().pid, *(parent.pid for parent in psutil.Process().parents())}
    return [found for found in psutil.process_iter() if found.pid not in us and _carries(found, _mark(token, home))]


def end(token: str, home: Path) -> int:
    """End what a killed run left behind; return how many processes that were."""
    left = find(token, home)
    process.end(left, SECONDS)
    return len(left)


def _mark(token: str, home: Path) -> str:
    return f"{token}:{home}"


def _carries(found: psutil.Process, mark: str) -> bool:
    try:
        return bool(found.environ().get(VARIABLE) == mark)
    except (psutil.Error, OSError):  # not ours to look into, or gone
        return False
