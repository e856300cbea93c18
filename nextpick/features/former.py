"""Features as the former bundle format has them, under names of their own: a ranker reads what it learnt from.

Where a feature's meaning changes, its old meaning comes here until no bundle that learnt it is read any more.
"""

from collections.abc import Sequence

import numpy as np

from nextpick.features.histories import Histories, find
from nextpick.features.own import places, pulls, spread

MEANT = {"own_pull": "own_pull_60d", "own_place": "own_place_60d"}  # what format 1 calls so, and what it is here
HALF_LIFE_DAYS = 60.0


def former_features(
    own: Histories, local: np.ndarray, item_rows: np.ndarray, wanted: Sequence[str]
) -> dict[str, np.ndarray]:
    """Those of `wanted` that are of the former format, one value a pair, float64; as `own.own_features`."""
    if not set(MEANT.values()) & set(wanted):
        return {}
    entry = find(own, local, item_rows)
    has = entry >= 0
    pull = pulls(own, HALF_LIFE_DAYS)
    return {
        "own_pull_60d": spread(has, pull[entry[has]], 0.0),
        "own_place_60d": spread(has, places(own, pull)[entry[has]]),
    }
