"""What was shown at which rank, in a window."""

import numpy as np
import pandas as pd

from nextpick.data.snapshot import nothing_shown
from nextpick.features.shown import NOT_SHOWN, Shown
from nextpick.idmap import IdMap
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW

USERS, ITEMS = IdMap(("ann", "ben")), IdMap(("a", "b", "c"))
START = NOW - 10 * US_PER_DAY


def shown(rows: list[tuple[str, str, int, float]]) -> Shown:
    """From (user, item, rank, days before NOW), in the window [10 days ago, NOW)."""
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "rank", "shown_at"])
    at = [NOW - round(days * US_PER_DAY) for days in frame["shown_at"]]
    frame["shown_at"] = pd.to_datetime(pd.Series(at, dtype="int64"), unit="us", utc=True)
    return Shown.of(frame, USERS, ITEMS, START, NOW)


def test_the_best_rank_of_the_window_counts_and_the_rest_was_not_shown() -> None:
    found = shown([("ann", "b", 4, 5), ("ann", "b", 2, 3), ("ann", "b", 3, 1), ("ben", "c", 0, 9)])
    ranks = found.rank(np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2], np.int32))
    assert ranks.tolist() == [2, NOT_SHOWN, NOT_SHOWN, 0]
    assert ranks.dtype == np.int16


def test_other_times_users_and_items_do_not_count() -> None:
    found = shown([("ann", "a", 0, 10.1), ("ann", "b", 0, 0), ("cem", "a", 0, 5), ("ann", "z", 0, 5)])
    everything = np.repeat([0, 1], 3), np.tile(np.arange(3), 2)
    assert found.rank(*everything).tolist() == [NOT_SHOWN] * 6
    assert shown([("ann", "a", 0, 10)]).rank(np.array([0]), np.array([0])).tolist() == [0]


def test_nothing_shown_is_no_error() -> None:
    found = Shown.of(nothing_shown(), USERS, ITEMS, START, NOW)
    assert found.rank(np.array([0]), np.array([0])).tolist() == [NOT_SHOWN]
