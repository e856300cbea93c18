"""A holdout: what was known at a moment, and what users then did. The ranker learns from one, another tests it."""

from dataclasses import dataclass

import numpy as np

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import between
from nextpick.features.histories import Histories, find, histories, select
from nextpick.features.items import ItemTable, item_table
from nextpick.features.seen import barred
from nextpick.features.shown import Shown
from nextpick.params import Params


@dataclass(frozen=True)
class Holdout:
    """`histories` and `table` know what was before histories.as_of, and nothing later.

    `relevant` has the distinct items of each user's interactions in the time that followed, less those the seen
    policy would not show. `users` are the rows (int32, ascending) of those who have any. `shown` is what answers
    offered in that time, where it is known.
    """

    histories: Histories
    table: ItemTable
    relevant: Histories
    users: np.ndarray
    shown: Shown | None = None

    @property
    def warm(self) -> np.ndarray:
        """Which of `users` have a history, bool; the others cannot be ranked and get what is popular."""
        return np.diff(self.histories.indptr)[self.users] > 0

    @property
    def users_without(self) -> int:
        """How many users have no relevant item: no metric counts them."""
        return len(self.histories) - len(self.users)


def holdout(snapshot: Snapshot, params: Params, start: int, end: int) -> Holdout:
    """The holdout [start, end), microseconds, of a snapshot; what it holds of later times is not looked at."""
    users, items, kinds = snapshot.users, snapshot.items, params.data.kinds
    policy = params.scenarios["default"].seen_policy
    before = histories(snapshot.interactions, users, items, kinds, start)
    after = histories(between(snapshot.interactions, start, end), users, items, kinds, end)
    own = find(before, after.user_rows, after.item_rows)
    shown = np.ones(len(own), bool)
    shown[own >= 0] = ~barred(before, policy)[own[own >= 0]]
    relevant = select(after, shown)
    return Holdout(
        histories=before,
        table=item_table(snapshot.interactions, snapshot.catalogue, items, start),
        relevant=relevant,
        users=np.flatnonzero(np.diff(relevant.indptr)).astype(np.int32),
        shown=Shown.of(snapshot.shown, users, items, start, end) if len(snapshot.shown) else None,
    )
