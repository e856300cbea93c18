"""The seen policy: may an item the user already has be recommended? One rule for lists, answers and evaluation."""

from typing import get_args

import numpy as np

from nextpick.features.histories import Histories
from nextpick.params import SeenPolicy


def allowed(item_rows: np.ndarray, seen: np.ndarray, policy: str) -> np.ndarray:
    """Which of a user's candidates may be shown, bool (n,), given the rows of the items they have.

    Raises: ValueError for a policy this code does not know.
    """
    _check(policy)
    return np.ones(len(item_rows), bool) if policy == "allow" else ~np.isin(item_rows, seen)


def barred(histories: Histories, policy: str) -> np.ndarray:
    """The entries of `histories` that `allowed` would turn down, as bool: all of them or none, so far."""
    _check(policy)
    return np.full(len(histories.item_rows), policy == "exclude")


def _check(policy: str) -> None:
    if policy not in get_args(SeenPolicy):
        raise ValueError(f"Unknown seen policy {policy!r}; it is one of {', '.join(get_args(SeenPolicy))}.")
