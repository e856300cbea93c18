"""Items in their order, with what is known of how they came there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RERANKED, CANDIDATES, FOLD_IN, POPULAR, FILLED = "reranked", "candidates", "fold_in", "popular", "filled"


@dataclass(frozen=True)
class Slots:
    """n items, best first: item_rows (int32) with scores and features (float32, (n,) and (n, F)) and each generator's
    ranks (int16, (n, G)): NaN and -1 where nothing of the kind is known. `sources` says who put each there."""

    item_rows: np.ndarray
    scores: np.ndarray
    features: np.ndarray
    ranks: np.ndarray
    sources: tuple[str, ...]

    @classmethod
    def bare(cls, item_rows: np.ndarray, source: str, features: int, generators: int) -> "Slots":
        """Items of which nothing more is known."""
        n = len(item_rows)
        return cls(
            item_rows.astype(np.int32),
            np.full(n, np.nan, np.float32),
            np.full((n, features), np.nan, np.float32),
            np.full((n, generators), -1, np.int16),
            (source,) * n,
        )

    def __len__(self) -> int:
        return len(self.item_rows)

    def at(self, order: np.ndarray) -> "Slots":
        """Those of some positions, in that order."""
        return Slots(
            self.item_rows[order],
            self.scores[order],
            self.features[order],
            self.ranks[order],
            tuple(self.sources[i] for i in order.tolist()),
        )

    def first(self, n: int) -> "Slots":
        """The first n."""
        return Slots(self.item_rows[:n], self.scores[:n], self.features[:n], self.ranks[:n], self.sources[:n])


def joined(parts: Sequence[Slots]) -> Slots:
    """One after the other."""
    full = [part for part in parts if len(part)] or parts[:1]
    if len(full) == 1:
        return full[0]
    rows, scores, features, ranks = (
        np.concatenate([getattr(part, name) for part in full]) for name in ("item_rows", "scores", "features", "ranks")
    )
    return Slots(rows, scores, features, ranks, tuple(source for part in full for source in part.sources))
