"""What a request asks for, and which items that leaves to choose from."""

from dataclasses import dataclass, field

import numpy as np

from nextpick.features.seen import allowed
from nextpick.release.filters import Filter
from nextpick.release.loaded import Loaded


def _none() -> np.ndarray:
    return np.empty(0, np.int32)


@dataclass(frozen=True)
class Wanted:
    """k items under a seen policy, of those that `filter` lets pass and `excluded` (int32 item rows) does not name.

    `diversity`, from 0 to 1, is how much unlikeness counts beside relevance. `exploration` is the share of places
    given away by lot, drawn by `seed`. `onward` says that pages were given before this one.
    """

    k: int
    policy: str
    filter: Filter = field(default_factory=Filter)
    excluded: np.ndarray = field(default_factory=_none)
    diversity: float = 0.0
    exploration: float = 0.0
    seed: int = 0
    onward: bool = False

    @classmethod
    def plain(cls, loaded: Loaded, k: int) -> "Wanted":
        """k items of the default scenario, and nothing else."""
        return cls(k, loaded.seen_policy)

    @property
    def most(self) -> int | None:
        """How many of the best candidates are looked at; None for all, which are needed to choose among."""
        return None if self.diversity or (self.exploration and not self.narrowed) else self.k

    @property
    def narrowed(self) -> bool:
        """Whether it asks for less than the whole catalogue: then an answer may be empty."""
        return bool(self.filter) or len(self.excluded) > 0 or self.onward


@dataclass(frozen=True)
class Showable:
    """What may be shown: not `hidden` (bool over the items), what is wanted, and by its policy on what was `seen`."""

    loaded: Loaded
    wanted: Wanted
    hidden: np.ndarray
    seen: np.ndarray

    def of(self, rows: np.ndarray) -> np.ndarray:
        """Which of some items may, bool (n,)."""
        may = ~self.hidden[rows]
        if self.wanted.policy != "allow":
            may &= allowed(rows, self.seen, self.wanted.policy)
        if self.wanted.filter:
            may &= self.wanted.filter.of(self.loaded, rows)
        if len(self.wanted.excluded):
            may &= ~np.isin(rows, self.wanted.excluded)
        return may

    def barred(self, taken: np.ndarray) -> np.ndarray:
        """The items that may not, or are taken, whatever was seen: bool over all items."""
        bars = self.hidden.copy()
        if self.wanted.filter:
            bars = np.ones(len(bars), bool)
            rows = self.wanted.filter.rows(self.loaded)
            bars[rows] = self.hidden[rows]
        bars[self.wanted.excluded] = True
        bars[taken] = True
        return bars

    def most_popular(self, taken: np.ndarray, n: int) -> np.ndarray:
        """The n most popular that may and are not taken: int32."""
        if n <= 0:
            return _none()
        if self.wanted.filter:
            rows = self.wanted.filter.rows(self.loaded)
            rows = rows[self.of(rows) & ~np.isin(rows, taken)]
            return rows[np.argsort(self.loaded.places[rows])][:n]
        popular, found, start = self.loaded.popular, _none(), 0
        width = n + len(taken) + len(self.seen) + len(self.wanted.excluded) + 16
        while len(found) < n and start < len(popular):  # from the top: the catalogue's size does not matter
            window = popular[start : start + width]
            kept = self.of(window) & ~np.isin(window, taken)
            found, start, width = np.concatenate([found, window[kept]]), start + width, width * 2
        return found[:n]
