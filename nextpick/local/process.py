"""Starting a process that does not outlive us, and ending one with all it started."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
Launch = Callable[[], "subprocess.Popen[bytes]"]
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def spawn(command: Iterable[str], environment: Mapping[str, str], log: Path, folder: Path) -> "subprocess.Popen[bytes]":
    """Start a program in `folder` with its output appended to `log`, out of reach of the terminal's Ctrl-C.

    To be called from the main thread: the kernel ends the program when the thread that started it ends.
    """
    with log.open("ab") as out:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            preexec_fn=ends_with_us(signal.SIGTERM),
        )


def ends_with_us(number: signal.Signals) -> Callable[[], None] | None:
    """What a child calls between fork and exec to be sent a signal when we die, by kill -9 too (Linux only)."""
    if _libc is None:
        return None
    parent = os.getpid()

    def leash() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # we died before the call
            os._exit(1)

    return leash


def end(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Ask with SIGTERM, wait up to `seconds`, then kill; return those that had to be killed."""
    asked = [process for process in processes if send(process, signal.SIGTERM)]
    _, alive = psutil.wait_procs(asked, seconds)
    killed = [process for process in alive if send(process, signal.SIGKILL)]
    psutil.wait_procs(killed, 5)
    return killed


def send(process: psutil.Process, number: signal.Signals) -> bool:
    """Send a signal; returns whether the process was still there to get it."""
    try:
        process.send_signal(number)  # psutil refuses where the number is another process by now
    except psutil.NoSuchProcess:
        return False
    return True
