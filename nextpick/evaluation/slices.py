"""Slices: parts of what users did in a holdout, each measured by itself.

A slice is a mark on the entries of Holdout.relevant (bool, one an entry): those that count as relevant in it. Its
users are those who have any.
"""

import numpy as np

from nextpick.features.histories import find
from nextpick.features.holdout import Holdout
from nextpick.features.items import ITEM_FEATURES

NEW_DAYS = 28
ALL, WARM = "all", "warm"
MEANINGS = {
    ALL: "every user",
    WARM: "users with a history",
    "cold": "users without a history",
    "light": "of those with a history, the third with the fewest items",
    "medium": "the third between them",
    "heavy": "the third with the most items",
    "first_time": "what users took that they had not taken before",
    "new_items": f"what users took of items less than {NEW_DAYS} days old, or not known yet",
}


def slices(held: Holdout) -> dict[str, np.ndarray]:
    """The slices that have a user, in the order of MEANINGS."""
    entries = held.relevant
    users, items = entries.user_rows, entries.item_rows
    age = held.table.features[items, ITEM_FEATURES.index("age_days")]
    sizes = np.diff(held.histories.indptr)
    size, (few, many) = sizes[users], thirds(held)
    found = {
        ALL: np.ones(len(items), bool),
        WARM: size > 0,
        "cold": size == 0,
        "light": (size > 0) & (size <= few),
        "medium": (size > few) & (size <= many),
        "heavy": size > many,
        "first_time": find(held.histories, users, items) < 0,
        "new_items": ~(age >= NEW_DAYS),  # NaN: nobody has seen it yet
    }
    return {name: marked for name, marked in found.items() if marked.any()}


def thirds(held: Holdout) -> tuple[float, float]:
    """The history sizes (distinct items) up to which the holdout's warm users are light, and medium."""
    sizes = np.diff(held.histories.indptr)[held.users[held.warm]]
    return (float(np.quantile(sizes, 1 / 3)), float(np.quantile(sizes, 2 / 3))) if len(sizes) else (0.0, 0.0)
