"""A program that is run to its end, its output told line by line, and that ends when we do.

The program's parent is this very file, run as a script: it holds the read end of a pipe from us and ends the
program's whole process group when the pipe closes, so not even `kill -9` of us leaves anything running.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

GRACE_SECONDS = 5.0  # between asking a program to end and ending it


class Failed(Exception):
    """The program ended with a code that is not 0; `lines` is what it said."""

    def __init__(self, command: Sequence[str], code: int, lines: Sequence[str]) -> None:
        super().__init__(f"`{' '.join(command)}` ended with code {code}")
        self.lines = tuple(lines)


def run(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], tell: Callable[[str], object]
) -> list[str]:
    """Run a program in `folder` and return the lines it printed, each of them told as it came.

    Raises: Failed.
    """
    lines = []
    with subprocess.Popen(
        [sys.executable, "-P", __file__, *command],  # -P: this file's folder must not hide the standard library
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as keeper:
        try:
            for line in keeper.stdout or ():
                lines.append(line.rstrip())
                tell(lines[-1])
        finally:
            if keeper.stdin:
                keeper.stdin.close()
    if keeper.returncode != 0:
        raise Failed(command, keeper.returncode, lines)
    return lines


def _keep(command: Sequence[str]) -> int:
    """Run the program until it ends or our parent does; returns its code."""
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    orphaned = threading.Event()
    watch = threading.Thread(target=_end_with_parent, args=(program.pid, orphaned), daemon=True)
    watch.start()
    code = program.wait()
    if orphaned.is_set():
        watch.join()
    return code if code >= 0 else 128 - code


def _end_with_parent(group: int, orphaned: threading.Event) -> None:
    os.read(0, 1)  # returns when the parent closes the pipe or is gone
    orphaned.set()
    for sign, seconds in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, 0.0)):
        try:
            os.killpg(group, sign)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                os.killpg(group, 0)
                time.sleep(0.05)
        except ProcessLookupError:
            return


if __name__ == "__main__":
    raise SystemExit(_keep(sys.argv[1:]))
