"""A block of lists, between who computes it and who writes it."""

from dataclasses import dataclass

import numpy as np

from nextpick.features.histories import Histories


@dataclass(frozen=True)
class ListBlock:
    """The lists and histories of some users.

    User i's list is items starts[i]:starts[i + 1] of item_rows (int32, best first), scores (float32, the ranker's)
    and generator_scores (float32, (n, generators), NaN = absent) and generator_ranks (int16, likewise, in the whole
    pool, -1 = not proposed); the user's history is row i of histories.
    """

    user_ids: tuple[str, ...]
    starts: np.ndarray
    item_rows: np.ndarray
    scores: np.ndarray
    generator_scores: np.ndarray
    generator_ranks: np.ndarray
    histories: Histories
