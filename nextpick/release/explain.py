"""Why the model put an item where it is: who proposed it, what moved its score, and which of the user's own items it
is like."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nextpick.release.answer import Answer, by_taste
from nextpick.release.feature_words import words
from nextpick.release.loaded import Loaded

TOP = 5  # features that move the score most
ALIKE = 0.3  # the cosine from which an item is said to be like another
OWN_ITEMS = 200  # of the user's latest items, compared


@dataclass(frozen=True)
class Moved:
    """A feature's value, how far it moved the score, and both in words."""

    feature: str
    value: float
    moved: float
    text: str


@dataclass(frozen=True)
class Explanation:
    """Of one item: the generators that proposed it with its rank in each (from 0), what moved its score most, and the
    row of the user's own item that it is most like, with the cosine; None where there is none. `because` says that it
    is here for what it is like: people alike led to it, and the user does not have it already."""

    proposed_by: tuple[tuple[str, int], ...]
    moved: tuple[Moved, ...]
    like: tuple[int, float] | None
    because: bool


def explain(loaded: Loaded, found: Answer) -> tuple[Explanation, ...]:
    """One for each item. Contributions are the trees' Shapley values (ranker.contributions); where no ranker ran there
    are none."""
    slots, names = found.slots, loaded.bundle.features
    scored = np.flatnonzero(~np.isnan(slots.scores) & ~np.isnan(slots.features).all(axis=1))
    moved: dict[int, tuple[Moved, ...]] = {}
    if len(scored):
        parts = loaded.bundle.ranker.contributions(slots.features[scored])[:, :-1]
        for i, each in zip(scored.tolist(), parts, strict=True):
            moved[i] = _most_moved(names, slots.features[i], each)
    likes = _likes(loaded, found)
    because = (by_taste(loaded, found) & ~np.isin(slots.item_rows, found.history.item_rows)).tolist()
    return tuple(
        Explanation(_proposed_by(loaded, ranks), moved.get(i, ()), likes[i], because[i] and likes[i] is not None)
        for i, ranks in enumerate(slots.ranks)
    )


def _most_moved(names: Sequence[str], values: np.ndarray, parts: np.ndarray) -> tuple[Moved, ...]:
    most = np.argsort(-np.abs(parts), kind="stable")[:TOP]
    return tuple(
        Moved(names[at], float(values[at]), float(parts[at]), words(names[at], float(values[at])))
        for at in most.tolist()
        if parts[at]
    )


def _proposed_by(loaded: Loaded, ranks: np.ndarray) -> tuple[tuple[str, int], ...]:
    sizes = loaded.bundle.params.pool
    named = zip(loaded.bundle.generators, ranks.tolist(), strict=True)
    return tuple((name, rank) for name, rank in named if 0 <= rank < sizes[name])


def _likes(loaded: Loaded, found: Answer) -> list[tuple[int, float] | None]:
    """For each item the nearest of the user's latest items by the model's item vectors, itself apart."""
    rows, history, vectors = found.slots.item_rows, found.history, loaded.bundle.vectors
    own = history.item_rows[np.argsort(-history.last_at, kind="stable")[:OWN_ITEMS]]
    if vectors is None or not len(own) or not len(rows):
        return [None] * len(rows)
    cosines = np.nan_to_num(vectors[rows]) @ np.nan_to_num(vectors[own]).T
    cosines[rows[:, None] == own] = -1.0
    nearest = cosines.argmax(axis=1)
    highest = cosines[np.arange(len(rows)), nearest]
    return [
        (int(own[at]), float(cosine)) if cosine >= ALIKE else None
        for at, cosine in zip(nearest.tolist(), highest.tolist(), strict=True)
    ]
