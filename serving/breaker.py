"""Who may still try, while tries fail."""

from collections.abc import Callable
from time import monotonic

FAILURES = 3  # in a row, before the breaker opens
OPEN_SECONDS = 1.0  # until one request may try again


class Breaker:
    """Opens after FAILURES failures in a row; then one try a second, until one succeeds.

    A try that fails though another, begun later or beside it, succeeded meanwhile is its statement's failure and not
    the database's: it waits for a lock, maybe.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock, self._failures, self._retry_at, self._succeeded_at = clock, 0, 0.0, float("-inf")

    def allows(self) -> bool:
        """Whether to try now; while open, saying yes once pushes the next try OPEN_SECONDS on."""
        if self._failures < FAILURES:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + OPEN_SECONDS
        return True

    def begin(self) -> float:
        """The moment a try begins, for `record`."""
        return self._clock()

    def record(self, succeeded: bool, began: float) -> None:
        """Count one try."""
        if succeeded:
            self._failures, self._succeeded_at = 0, self._clock()
            return
        if self._succeeded_at > began:
            return
        self._failures += 1
        if self._failures == FAILURES:
            self._retry_at = self._clock() + OPEN_SECONDS
