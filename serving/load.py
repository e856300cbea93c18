"""How many requests are being answered at once, and what that leaves time for."""

HEAVY = 16  # beyond it answers are given without the ranker: it takes most of a request's time, and all wait for it
FULL = 32  # beyond it requests are refused, so that those taken in are answered soon


class Load:
    """Counted by the edge, one of each app. All of it is one loop's, so that counting needs no lock."""

    def __init__(self, heavy: int = HEAVY, full: int = FULL) -> None:
        self._heavy, self._full = heavy, full
        self.requests = 0

    @property
    def heavy(self) -> bool:
        """Whether there are so many that each should have the cheaper answer."""
        return self.requests > self._heavy

    @property
    def full(self) -> bool:
        """Whether there are so many, the newest counted, that it should be refused."""
        return self.requests > self._full
