"""A snapshot made ready: the interactions that count, the catalogue, what was shown, rows of ids, the windows."""

from dataclasses import dataclass, field

import pandas as pd

from nextpick.data.split import Windows
from nextpick.idmap import IdMap
from nextpick.schema import ANSWER, ITEM_ID, PROPENSITY, RANK, SHOWN_AT, USER_ID


def nothing_shown() -> pd.DataFrame:
    """SHOWN_COLUMNS without a row."""
    return pd.DataFrame(
        {
            USER_ID: pd.Series([], dtype="str"),
            ITEM_ID: pd.Series([], dtype="str"),
            RANK: pd.Series([], dtype="int16"),
            SHOWN_AT: pd.Series([], dtype="datetime64[us, UTC]"),
        }
    )


def no_lots() -> pd.DataFrame:
    """LOT_COLUMNS without a row."""
    shown = nothing_shown()
    shown.insert(0, ANSWER, pd.Series([], dtype="int64"))
    return shown.assign(**{PROPENSITY: pd.Series([], dtype="float32")})


@dataclass(frozen=True)
class Snapshot:
    """`interactions` has EVENT_COLUMNS, oldest first; `catalogue` ITEM_COLUMNS; `data_md5` names data/raw as DVC does.

    `users` are those of the interactions; `items` also the rest of the catalogue. `shown` has SHOWN_COLUMNS: which
    items answers put at which rank, where that is known. `lots` has LOT_COLUMNS: every place of the answers some of
    whose places were given away by lot.
    """

    interactions: pd.DataFrame
    catalogue: pd.DataFrame
    users: IdMap
    items: IdMap
    windows: Windows
    data_md5: str
    shown: pd.DataFrame = field(default_factory=nothing_shown)
    lots: pd.DataFrame = field(default_factory=no_lots)

    @classmethod
    def of(
        cls,
        interactions: pd.DataFrame,
        catalogue: pd.DataFrame,
        windows: Windows,
        data_md5: str,
        shown: pd.DataFrame | None = None,
        lots: pd.DataFrame | None = None,
    ) -> "Snapshot":
        """The snapshot of these frames; the same ids get the same rows whatever order they come in."""
        users = IdMap.fit(interactions[USER_ID].unique())
        items = IdMap.fit([*catalogue[ITEM_ID], *interactions[ITEM_ID].unique()])
        shown, lots = nothing_shown() if shown is None else shown, no_lots() if lots is None else lots
        return cls(interactions, catalogue, users, items, windows, data_md5, shown, lots)
