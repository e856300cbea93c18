"""Work that may take a while, off the loop that answers everybody else, and never waited for too long."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SECONDS = 0.15  # that an answer waits to be scored
TO_EXPLAIN = 2.0  # that one waits to be explained, which takes milliseconds an item
WAITING = 16  # at most; with more, the next would wait too long anyway
T = TypeVar("T")


class Busy(Exception):
    """It would take, or has taken, too long."""


class Scoring:
    """One thread, as NumPy's calls are too short for two to be faster, and how long to wait for what it does."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._thread = ThreadPoolExecutor(1, "scoring")
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """`work()`. Raises: Busy where it is not done in time; then it is not waited for."""
        if self._waiting >= WAITING:
            raise Busy
        self._waiting += 1
        doing = asyncio.get_running_loop().run_in_executor(self._thread, work)
        doing.add_done_callback(self._done)
        done, _ = await asyncio.wait({doing}, timeout=self._seconds)
        if not done:
            doing.cancel()  # where it has not begun, it never will
            raise Busy
        if doing.cancelled():  # by `close`
            raise Busy
        return doing.result()

    @property
    def waiting(self) -> int:
        """How much is being done, or waits."""
        return self._waiting

    def close(self) -> None:
        """Begin nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _done(self, doing: asyncio.Future[T]) -> None:
        self._waiting -= 1
        if not doing.cancelled():
            doing.exception()  # looked at, so that asyncio does not log it as lost
