"""The ranker: LightGBM's LambdaRank, as its text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import lightgbm as lgb
import numpy as np

from nextpick.models import ranker_text
from nextpick.params import Params

THREADS = 1  # of training: more are slower on a busy machine
_FIXED = {
    "objective": "lambdarank",
    "label_gain": [0, 1],
    "lambdarank_truncation_level": 20,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": THREADS,
    "verbosity": -1,
}


@dataclass(frozen=True)
class Ranker:
    """A trained ranker; `text` is all of it. Its score orders the candidates of one user and means nothing else."""

    text: str
    features: tuple[str, ...]
    _booster: lgb.Booster = field(repr=False, compare=False)

    @classmethod
    def from_text(cls, text: str, features: Sequence[str]) -> Self:
        """The ranker of a text, whose structure is checked first: LightGBM's own reader trusts what it reads.

        Raises: BundleError where the text is damaged or was trained on other features.
        """
        ranker_text.check(text, tuple(features))
        return cls(text, tuple(features), lgb.Booster(model_str=text))

    def predict(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """Scores, float64 (n,), of rows of `features` (float32, (n, len(self.features)))."""
        if not len(features):
            return np.empty(0)
        return np.asarray(self._booster.predict(features, num_threads=threads), np.float64)


def train(
    features: np.ndarray,
    labels: np.ndarray,
    group_sizes: np.ndarray,
    names: Sequence[str],
    params: Params,
    progress: Callable[[int], None] | None = None,
) -> Ranker:
    """Train on rows grouped by user: `group_sizes` says how many rows in a row belong to each; labels are 0 or 1.

    `progress` is told after each tree how many there are. The same input gives the same text.
    """
    chosen = params.ranker
    settings: dict[str, Any] = {
        **_FIXED,
        "num_leaves": chosen.leaves,
        "learning_rate": chosen.learning_rate,
        "min_child_samples": chosen.min_child_samples,
        "seed": params.seed,
    }
    data = lgb.Dataset(features, labels, group=group_sizes, feature_name=list(names), params=settings)
    callbacks: list[Callable[..., None]] = [] if progress is None else [lambda env: progress(env.iteration + 1)]
    booster = lgb.train(settings, data, num_boost_round=chosen.trees, callbacks=callbacks)
    return Ranker.from_text(ranker_text.trees_of(booster.model_to_string(num_iteration=-1)), names)
