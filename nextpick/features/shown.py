"""Shown: at which rank a user was offered an item in a window, which is half of why it was taken."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.idmap import IdMap
from nextpick.schema import ITEM_ID, RANK, SHOWN_AT, USER_ID

NOT_SHOWN = -1


@dataclass(frozen=True)
class Shown:
    """keys (int64, ascending) are user row * n_items + item row of what was shown, ranks (int16) the best of each."""

    keys: np.ndarray
    ranks: np.ndarray
    n_items: int

    @classmethod
    def of(cls, shown: pd.DataFrame, users: IdMap, items: IdMap, start: int, end: int) -> Self:
        """What of `shown` (SHOWN_COLUMNS) lies in [start, end), microseconds, and is of known users and items."""
        at = microseconds(shown[SHOWN_AT])
        user_rows, item_rows = users.rows(shown[USER_ID]), items.rows(shown[ITEM_ID])
        kept = (at >= start) & (at < end) & (user_rows >= 0) & (item_rows >= 0)
        keys = user_rows[kept].astype(np.int64) * len(items) + item_rows[kept]
        ranks = shown[RANK].to_numpy(np.int16)[kept]
        order = np.lexsort((ranks, keys))
        distinct, first = np.unique(keys[order], return_index=True)
        return cls(distinct, ranks[order][first], len(items))

    def rank(self, user_rows: np.ndarray, item_rows: np.ndarray) -> np.ndarray:
        """The best rank, from 0, at which each user was shown each item: int16, NOT_SHOWN where they were not."""
        wanted = np.asarray(user_rows, np.int64) * self.n_items + item_rows
        at = np.searchsorted(self.keys, wanted)
        hit = np.append(self.keys, -1)[at] == wanted
        return np.where(hit, np.append(self.ranks, np.int16(NOT_SHOWN))[at], np.int16(NOT_SHOWN))
