"""Windows by time: [fit candidates | label the ranker | test]; each is half-open.

The ranker may have several label windows, one before the other: for each the candidates are fitted on what was before
it, as if it were the only one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.errors import DataError
from nextpick.params import SplitParams
from nextpick.schema import OCCURRED_AT, US_PER_DAY


@dataclass(frozen=True)
class Windows:
    """Microseconds since 1970 UTC: label windows begin at each of `labels_from`, ascending, and end where the next
    begins, the last at `test_from`; [test_from, cutoff) tests.
    """

    labels_from: tuple[int, ...]
    test_from: int
    cutoff: int

    @classmethod
    def from_json(cls, stated: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, after JSON made a list of the tuple."""
        return cls(tuple(stated["labels_from"]), stated["test_from"], stated["cutoff"])

    @property
    def labels(self) -> tuple[tuple[int, int], ...]:
        """The label windows, oldest first."""
        return tuple(pairwise((*self.labels_from, self.test_from)))


def windows(interactions: pd.DataFrame, split: SplitParams) -> Windows:
    """The windows of these interactions; the cutoff is just after the newest.

    There are as many label windows, up to split.label_windows, as have at least their own length of history before
    them, and one in any case. Raises: DataError where that one is empty, or has nothing before it.
    """
    at = microseconds(interactions[OCCURRED_AT])
    if not len(at):
        raise DataError("The snapshot holds no interactions. Load events, or let params data.kinds name their kinds.")
    first, cutoff = int(at.min()), int(at.max()) + 1
    length = split.label_days * US_PER_DAY
    test_from = cutoff - split.test_days * US_PER_DAY
    starts = [test_from - length * n for n in range(split.label_windows, 0, -1)]
    labels_from = tuple(start for start in starts if start - length >= first) or (starts[-1],)
    newest = labels_from[-1]
    for where, is_there in {
        "before the label window": first < newest,
        "in the label window": ((at >= newest) & (at < test_from)).any(),
    }.items():
        if not is_there:
            days = (str(pd.Timestamp(us, unit="us").date()) for us in (first, int(at.max())))
            raise DataError(
                f"There are no interactions {where}: they reach from {' to '.join(days)}, and split asks for "
                f"{split.label_days} + {split.test_days} days at their end. Load more history, or lower split.*_days."
            )
    return Windows(labels_from, test_from, cutoff)


def between(interactions: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """The interactions of [start, end), microseconds."""
    at = microseconds(interactions[OCCURRED_AT])
    return interactions[(at >= start) & (at < end)]
