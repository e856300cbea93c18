"""A snapshot made ready: the interactions that count, the catalogue, a row for each user and item, the windows."""

from dataclasses import dataclass

import pandas as pd

from nextpick.data.split import Windows
from nextpick.idmap import IdMap
from nextpick.schema import ITEM_ID, USER_ID


@dataclass(frozen=True)
class Snapshot:
    """`interactions` has EVENT_COLUMNS, oldest first; `catalogue` ITEM_COLUMNS; `data_md5` names data/raw as DVC does.

    `users` are those of the interactions; `items` also the rest of the catalogue.
    """

    interactions: pd.DataFrame
    catalogue: pd.DataFrame
    users: IdMap
    items: IdMap
    windows: Windows
    data_md5: str

    @classmethod
    def of(cls, interactions: pd.DataFrame, catalogue: pd.DataFrame, windows: Windows, data_md5: str) -> "Snapshot":
        """The snapshot of these frames; the same ids get the same rows whatever order they come in."""
        users = IdMap.fit(interactions[USER_ID].unique())
        items = IdMap.fit([*catalogue[ITEM_ID], *interactions[ITEM_ID].unique()])
        return cls(interactions, catalogue, users, items, windows, data_md5)
