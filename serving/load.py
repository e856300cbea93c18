"""How many answers are in the making, how late the loop that makes them is, and what that leaves time for."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from serving.problems import Problem

HEAVY = 16  # beyond it answers are given without the ranker: it takes most of a request's time, and all wait for it
FULL = 24  # beyond it requests are refused, so that those taken in are answered soon
LOOK_SECONDS = 0.01
KEPT = 0.9  # of the lateness at the look before: refusing makes the loop be in time, and that is no reason to stop
LATE_SECONDS = 0.005  # below, the loop has time to spare: who waits, waits for Postgres, and keeps nobody waiting


class Load:
    """Of one app, counted once a request is whole and let in: who sends slowly is no load. All of it is one loop's, so
    that counting needs no lock."""

    def __init__(self, heavy: int = HEAVY, full: int = FULL) -> None:
        self._heavy, self._full = heavy, full
        self.requests = 0
        self.late = 0.0  # seconds, lately

    async def watch(self) -> None:
        """Keep looking how late the loop is, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.late = max(loop.time() - due, KEPT * self.late)

    @property
    def heavy(self) -> bool:
        """Whether there are so many that each should have the cheaper answer."""
        return self.requests > self._heavy

    @contextmanager
    def one(self) -> Iterator[None]:
        """One more, while it lasts. Raises: Problem 503 where there are too many already, and they do keep the loop
        busy: behind a frozen Postgres many wait that cost nothing."""
        if self.requests >= self._full and self.late > LATE_SECONDS:
            detail = f"{self.requests} requests are being answered already. Send this again."
            raise Problem(503, "overloaded", detail, headers={"Retry-After": "1"})
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1
