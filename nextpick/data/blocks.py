"""Blocks: rows of a user's data as read, some thousand at a time, before anything about them is believed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

ROWS = 50_000  # of a block: bounds the memory of a load, whatever the file's size


@dataclass(frozen=True)
class Reject:
    """A row that cannot be used. `number` counts lines of a file or rows of a table from 1; `line` is what stood
    there: the text, or the row as an object.
    """

    number: int
    reason: str
    line: Any


@dataclass(frozen=True)
class Block:
    """`numbers` int64 (n,), `columns` n rows under the source's own names."""

    numbers: np.ndarray
    columns: pd.DataFrame
    line: Callable[[int], Any]
    """What stood at a position of this block, as JSON-able values."""
    rejects: tuple[Reject, ...] = field(default=())
    """Rows that were no rows at all; they are not among `columns`."""
    done: float = 0.0
    """The share of the source read so far, in [0, 1]; 0 where it is not known."""

    @property
    def read(self) -> int:
        return len(self.numbers) + len(self.rejects)
