"""A holdout: what was known at a moment, and what users then did. The ranker learns from one, another tests it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nextpick.data.split import between
from nextpick.features.histories import Histories, find, histories, select
from nextpick.features.items import ItemTable, item_table
from nextpick.features.seen import barred
from nextpick.idmap import IdMap
from nextpick.params import Params


@dataclass(frozen=True)
class Holdout:
    """`histories` and `table` know what was before histories.as_of, and nothing later.

    `relevant` has the distinct items of each user's interactions in the time that followed, less those the seen
    policy would not show. `users` are the rows (int32, ascending) of those who have any.
    """

    histories: Histories
    table: ItemTable
    relevant: Histories
    users: np.ndarray

    @property
    def users_without(self) -> int:
        """How many users have no relevant item: no metric counts them."""
        return len(self.histories) - len(self.users)


def holdout(
    interactions: pd.DataFrame,
    catalogue: pd.DataFrame,
    users: IdMap,
    items: IdMap,
    params: Params,
    start: int,
    end: int,
) -> Holdout:
    """The holdout [start, end), microseconds; of `interactions` (those that count) later ones are not looked at."""
    kinds, policy = params.data.kinds, params.scenarios["default"].seen_policy
    before = histories(interactions, users, items, kinds, start)
    after = histories(between(interactions, start, end), users, items, kinds, end)
    own = find(before, after.user_rows, after.item_rows)
    shown = np.ones(len(own), bool)
    shown[own >= 0] = ~barred(before, policy)[own[own >= 0]]
    relevant = select(after, shown)
    return Holdout(
        histories=before,
        table=item_table(interactions, catalogue, items, start),
        relevant=relevant,
        users=np.flatnonzero(np.diff(relevant.indptr)).astype(np.int32),
    )
