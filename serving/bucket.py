"""A token bucket: so many requests a second, and twice as many at once."""

from collections.abc import Callable
from time import monotonic


class Bucket:
    """Begins full. Holds one request at least, so that a rate below one a second lets some through."""

    def __init__(self, per_second: float, clock: Callable[[], float] = monotonic) -> None:
        self.per_second = per_second
        self._clock, self._size = clock, max(1.0, 2 * per_second)
        self._tokens, self._at = self._size, clock()

    def take(self) -> float:
        """Take one token, and return 0; or take none, and return the seconds until there is one."""
        now = self._clock()
        self._tokens = min(self._size, self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.per_second
        self._tokens -= 1
        return 0.0
