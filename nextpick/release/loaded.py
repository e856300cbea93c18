"""A release in memory, and what is read of one user: all that an answer is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from nextpick.features.histories import Histories
from nextpick.features.items import ItemTable
from nextpick.idmap import IdMap
from nextpick.models.bundle import Bundle
from nextpick.params import ScenarioParams

_OF_ONE_OR_ALL = frozenset({"buy_again", "popular"})  # generators that learn nothing from who else took what


@dataclass(frozen=True)
class Loaded:
    """What of a release is in memory to answer from.

    `popular` holds every item row, most popular first; `week_ranks` each item's place among those somebody took in
    the 7 days before the cutoff (int32, -1 for the others). `cutoff` is in microseconds since 1970 UTC. `charts` has
    the item rows (int32, best first) of each (chart, category), as release.charts says.
    """

    release_id: int
    model_version: str
    variant: str
    cutoff: int
    bundle: Bundle
    items: IdMap
    table: ItemTable
    popular: np.ndarray
    week_ranks: np.ndarray
    charts: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)

    @cached_property
    def members(self) -> Mapping[str, np.ndarray]:
        """The rows of each category's items: int32, ascending."""
        members: dict[str, list[int]] = {}
        for row, categories in enumerate(self.table.categories):
            for category in set(categories):
                members.setdefault(category, []).append(row)
        return {category: np.array(rows, np.int32) for category, rows in members.items()}

    @cached_property
    def places(self) -> np.ndarray:
        """Each item's place in `popular`: int32."""
        places = np.empty(len(self.popular), np.int32)
        places[self.popular] = np.arange(len(self.popular), dtype=np.int32)
        return places

    @cached_property
    def taste_sizes(self) -> np.ndarray:
        """How many items each generator that learns from what others did proposes; 0 for the rest: int64."""
        sizes = self.bundle.params.pool
        return np.array([0 if name in _OF_ONE_OR_ALL else sizes[name] for name in self.bundle.generators], np.int64)

    @cached_property
    def scenarios(self) -> Mapping[str, ScenarioParams]:
        """The named placements it was trained with."""
        return dict(self.bundle.params.scenarios)

    @property
    def seen_policy(self) -> str:
        """The one its lists were made by."""
        return self.scenarios["default"].seen_policy

    @cached_property
    def kinds(self) -> dict[str, float]:
        """The kinds of event that count, and their weights."""
        return dict(self.bundle.params.data.kinds)


@dataclass(frozen=True)
class ListRow:
    """A user's row of `lists`: items best first, and the history as of the release's cutoff."""

    item_rows: np.ndarray
    scores: np.ndarray
    generator_scores: np.ndarray
    generator_ranks: np.ndarray
    history: Histories


@dataclass(frozen=True)
class Since:
    """The user's events since the release's cutoff, oldest first; items the release does not know are left out."""

    item_rows: np.ndarray
    weights: np.ndarray
    occurred_at: np.ndarray

    @classmethod
    def nothing(cls) -> "Since":
        return cls(np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int64))

    def before(self, moment: int) -> "Since":
        """Those before a moment (microseconds since 1970 UTC)."""
        early = self.occurred_at < moment
        return self if early.all() else Since(self.item_rows[early], self.weights[early], self.occurred_at[early])

    def then(self, item_rows: np.ndarray, weight: float, moment: int) -> "Since":
        """These, and then one event with each of `item_rows` (int32) a moment ago, the last one last."""
        at = moment - np.arange(len(item_rows), dtype=np.int64)[::-1]
        return Since(
            np.concatenate([self.item_rows, item_rows]).astype(np.int32),
            np.concatenate([self.weights, np.full(len(item_rows), weight)]).astype(np.float32),
            np.concatenate([self.occurred_at, at]),
        )
