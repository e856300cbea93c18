"""The item table, made from pieces of the interactions so that not all of them are in memory at once."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from nextpick.features.items import ItemTable, item_table
from nextpick.idmap import IdMap
from nextpick.schema import ITEM_ID


def item_table_of(pieces: Iterable[pd.DataFrame], catalogue: pd.DataFrame, items: IdMap, as_of: int) -> ItemTable:
    """To the bit what `item_table` makes of all pieces together; all that an item has must be in one piece.

    What is known of an item depends on no other item's interactions. At least one piece, if an empty one.
    """
    pieces = iter(pieces)
    piece = next(pieces)
    table = item_table(piece.iloc[:0], catalogue, items, as_of)
    while piece is not None:
        rows = items.rows(piece[ITEM_ID].unique())
        rows = np.sort(rows[rows >= 0])
        some = IdMap(tuple(items.ids[row] for row in rows))
        table.features[rows] = item_table(piece, catalogue[catalogue[ITEM_ID].isin(some.ids)], some, as_of).features
        piece = next(pieces, None)
    return table
