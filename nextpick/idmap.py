"""IdMap: the only bridge between ids (text, outside) and rows (int, inside)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from nextpick.errors import DataError


@dataclass(frozen=True)
class IdMap:
    """An ordered set of ids; the position of an id is its row.

    `IdMap.fit` sorts, so that the same ids give the same rows whatever order they came in.
    """

    ids: tuple[str, ...]
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows = {id_: row for row, id_ in enumerate(self.ids)}
        if len(rows) != len(self.ids):
            raise DataError(f"An IdMap needs distinct ids, and {len(self.ids) - len(rows)} of {len(self.ids)} repeat.")
        object.__setattr__(self, "_rows", rows)

    @classmethod
    def fit(cls, ids: Iterable[str]) -> "IdMap":
        """The map of the distinct ids, sorted."""
        return cls(tuple(sorted(set(ids))))

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._rows

    def row(self, id_: str) -> int | None:
        """The row of one id, or None where it is unknown."""
        return self._rows.get(id_)

    def rows(self, ids: Sequence[str] | pd.Series) -> np.ndarray:
        """Rows of many ids: int32, shape (len(ids),); -1 where an id is unknown."""
        return self._index.get_indexer(pd.Index(ids, dtype=object)).astype(np.int32)

    def extended(self, ids: Iterable[str]) -> "IdMap":
        """This map followed by the ids it lacks, sorted: rows already given stay as they are."""
        return IdMap(self.ids + tuple(sorted({i for i in ids if i not in self._rows})))

    @cached_property
    def _index(self) -> pd.Index:
        return pd.Index(self.ids, dtype=object)
