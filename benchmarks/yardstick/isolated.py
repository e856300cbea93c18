"""Work in a process of its own, bounded in time and memory: whatever becomes of it, there is an answer."""

import faulthandler
import multiprocessing
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from nextpick.errors import NextPickError

Job = TypeVar("Job")
Answer = Mapping[str, Any]


def isolated(work: Callable[[Job], Answer], job: Job, seconds: float, max_gb: float) -> Answer:
    """What work(job) returned; {"error": why} where it refused, took too long or too much, or died.

    `work` and `job` are sent to a new interpreter, so that what one took no other finds missing.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(there, work, job, max_gb), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(seconds):
            return {"error": f"not done after {seconds / 60:.4g} minutes; allow more with --timeout-minutes"}
        answer: Answer = here.recv()
        process.join(10)  # it may clear up behind itself
        return answer
    except EOFError:
        process.join()
        return {"error": f"its process ended by {_end(process.exitcode or 0)}"}
    finally:
        process.kill()
        process.join()
        here.close()


def _end(code: int) -> str:
    return f"{signal.Signals(-code).name}" if code < 0 else f"an error (exit code {code}): see above"


def _child(answer: Connection, work: Callable[[Job], Answer], job: Job, max_gb: float) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    limit_memory(max_gb)
    faulthandler.enable()  # a crash in a library says where
    try:
        answer.send(dict(work(job)))
    except NextPickError as error:
        answer.send({"error": str(error)})
    except MemoryError as error:
        answer.send({"error": f"needs more than the {max_gb:g} GB it may have: {error or 'out of memory'}"})


def _end_with_parent() -> None:
    """Nobody else stops this process where its parent was killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def limit_memory(max_gb: float) -> None:
    """An allocation beyond this fails in this process, where the system can limit it."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (int(max_gb * 1e9), resource.getrlimit(resource.RLIMIT_DATA)[1]))


def peak_mb() -> float:
    """The most memory this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
