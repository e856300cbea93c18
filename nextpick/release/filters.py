"""Which items a request is about: by their categories and their price, as the release has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from nextpick.release.loaded import Loaded


@dataclass(frozen=True)
class Filter:
    """An item passes that is in one category of each group of `any_of`, in all of `all_of`, in none of `none_of`, and
    costs from `min_price` to `max_price`, both included; where either is set, one without a price does not pass.

    A category that no item has is no error: nothing is in it.
    """

    any_of: tuple[tuple[str, ...], ...] = ()
    all_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()
    min_price: float | None = None
    max_price: float | None = None

    def __bool__(self) -> bool:
        """Whether it asks anything."""
        return bool(self.any_of or self.all_of or self.none_of) or self._priced

    def of(self, loaded: Loaded, rows: np.ndarray) -> np.ndarray:
        """Which of some items pass, bool (n,): costs what they cost, not what the catalogue does."""
        passes = np.ones(len(rows), bool)
        for group in self._groups:
            passes &= _in_any(loaded, group, rows)
        if self.none_of:
            passes &= ~_in_any(loaded, self.none_of, rows)
        return passes & self._affordable(loaded, rows) if self._priced else passes

    def rows(self, loaded: Loaded) -> np.ndarray:
        """All items that pass: int32, ascending."""
        parts = [_members(loaded, group) for group in self._groups]
        found = reduce(np.intersect1d, parts) if parts else np.arange(len(loaded.items), dtype=np.int32)
        return np.asarray(found[self.of(loaded, found)])

    @property
    def _groups(self) -> tuple[tuple[str, ...], ...]:
        return (*self.any_of, *((category,) for category in self.all_of))

    @property
    def _priced(self) -> bool:
        return self.min_price is not None or self.max_price is not None

    def _affordable(self, loaded: Loaded, rows: np.ndarray) -> np.ndarray:
        prices = loaded.table.prices[rows]
        low = -np.inf if self.min_price is None else self.min_price
        high = np.inf if self.max_price is None else self.max_price
        return np.asarray((prices >= low) & (prices <= high))  # NaN is neither


def _members(loaded: Loaded, categories: Sequence[str]) -> np.ndarray:
    nothing = np.empty(0, np.int32)
    parts = [loaded.members.get(category, nothing) for category in categories]
    return parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts))


def _in_any(loaded: Loaded, categories: Sequence[str], rows: np.ndarray) -> np.ndarray:
    inside = np.zeros(len(rows), bool)
    for category in categories:
        members = loaded.members.get(category)
        if members is not None:
            at = np.minimum(np.searchsorted(members, rows), len(members) - 1)
            inside |= members[at] == rows
    return inside
