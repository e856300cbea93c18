"""Three windows by time: [fit candidates | label the ranker | test]; each is half-open."""

from dataclasses import dataclass

import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.errors import DataError
from nextpick.params import SplitParams
from nextpick.schema import OCCURRED_AT, US_PER_DAY


@dataclass(frozen=True)
class Windows:
    """Candidates are fitted on [.., label_from), the ranker learns from [label_from, test_from), and [test_from,
    cutoff) tests both. Microseconds since 1970 UTC.
    """

    label_from: int
    test_from: int
    cutoff: int


def windows(interactions: pd.DataFrame, split: SplitParams) -> Windows:
    """The windows of these interactions; the cutoff is just after the newest.

    Raises: DataError where there are none before the label window, or none inside one of the windows.
    """
    at = microseconds(interactions[OCCURRED_AT])
    if not len(at):
        raise DataError("The snapshot holds no interactions. Load events, or let params data.kinds name their kinds.")
    cutoff = int(at.max()) + 1
    test_from = cutoff - split.test_days * US_PER_DAY
    label_from = test_from - split.label_days * US_PER_DAY
    found = Windows(label_from, test_from, cutoff)
    counts = {
        "before the label window": int((at < label_from).sum()),
        "in the label window": int(((at >= label_from) & (at < test_from)).sum()),
    }
    for where, count in counts.items():
        if not count:
            first, last = (str(pd.Timestamp(us, unit="us").date()) for us in (int(at.min()), int(at.max())))
            raise DataError(
                f"There are no interactions {where}: they reach from {first} to {last}, and split asks for "
                f"{split.label_days} + {split.test_days} days at their end. Load more history, or lower split.*_days."
            )
    return found


def between(interactions: pd.DataFrame, start: int, end: int) -> pd.DataFrame:
    """The interactions of [start, end), microseconds."""
    at = microseconds(interactions[OCCURRED_AT])
    return interactions[(at >= start) & (at < end)]
