"""The ranker: LightGBM's LambdaRank, as its text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import lightgbm as lgb
import numpy as np

from nextpick.errors import DataError
from nextpick.features.shown import NOT_SHOWN
from nextpick.models import ranker_text, shapley
from nextpick.models.examples import Examples
from nextpick.models.trees import Trees, at_hand
from nextpick.params import Params

THREADS = 1  # of training: more are slower on a busy machine
CONTRIBUTION_ROWS = 2000  # examples whose contributions are averaged
_MANY = 2048  # rows: fewer are not worth loading the compiled trees, which say the same; loaded, they are
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
    """A trained ranker; `text` is all of it. Its score orders the candidates of one user and means nothing else.

    `importance` says of each feature its `gain`, the share of all splits' gain that is its own, and its
    `contribution`, the mean over examples of how far it moves the score (the absolute Shapley value of the trees);
    empty where nobody asked. A value of a feature above its `at_most` is unknown to the trees.
    """

    text: str
    features: tuple[str, ...]
    _booster: lgb.Booster = field(repr=False, compare=False)
    importance: Mapping[str, Mapping[str, float]] = field(default_factory=dict, compare=False)
    at_most: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_text(
        cls, text: str, features: Sequence[str], importance: Mapping[str, Mapping[str, float]] | None = None
    ) -> Self:
        """The ranker of a text, whose structure is checked first: LightGBM's own reader trusts what it reads.

        Raises: BundleError where the text is damaged or was trained on other features.
        """
        ranker_text.check(text, tuple(features))
        return cls(text, tuple(features), lgb.Booster(model_str=text), importance or {})

    @property
    def trees(self) -> int:
        """How many trees."""
        return int(self._booster.num_trees())

    def predict(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """Scores, float64 (n,), of rows of `features` (float32, (n, len(self.features)))."""
        if not len(features):
            return np.empty(0)
        readable = self._readable(features)
        if (
            (len(features) >= _MANY or at_hand())
            and self._trees
            and (scores := self._trees.predict(readable)) is not None
        ):
            return scores
        return np.asarray(self._booster.predict(readable, num_threads=threads), np.float64)

    def get_ready(self) -> None:
        """Read the trees now, which takes tenths of a second, rather than when a few rows are first scored."""
        _ = self._trees, self._paths

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """How far each feature moves each row's score, float64 (n, len(self.features) + 1).

        The last column is what every row starts from; the columns of a row add up to its score. Lundberg, Erion, Lee,
        *Consistent Individualized Feature Attribution for Tree Ensembles* (2018), as LightGBM's `pred_contrib` has it.
        """
        if not len(features):
            return np.empty((0, len(self.features) + 1))
        readable = self._readable(features)
        worth = len(features) >= _MANY or shapley.at_hand()
        if worth and self._paths is not None and (quick := self._paths.contributions(readable)) is not None:
            return quick
        found = self._booster.predict(readable, pred_contrib=True, num_threads=THREADS)
        return np.asarray(found, np.float64)

    def _readable(self, features: np.ndarray) -> np.ndarray:
        if not self.at_most:
            return features
        highest = np.array([self.at_most.get(name, np.inf) for name in self.features])
        return np.where(features > highest, np.float32(np.nan), features)

    @cached_property
    def _trees(self) -> Trees | None:
        return Trees.of(self.text)

    @cached_property
    def _paths(self) -> shapley.Paths | None:
        return shapley.Paths.of(self.text)

    def explained(self, features: np.ndarray) -> Self:
        """The ranker with its `importance`; contributions are those to the scores of these rows, evenly thinned."""
        rows = features[:: max(len(features) // CONTRIBUTION_ROWS, 1)][:CONTRIBUTION_ROWS]
        each = self.contributions(rows)[:, :-1]
        gain = self._booster.feature_importance("gain")
        return replace(
            self,
            importance={
                "gain": self._named(gain / max(gain.sum(), 1e-12)),
                "contribution": self._named(np.abs(each).mean(axis=0) if len(rows) else np.zeros(len(gain))),
            },
        )

    def _named(self, values: np.ndarray) -> dict[str, float]:
        """By feature, the highest first."""
        pairs = zip(self.features, values.tolist(), strict=True)
        return {name: round(value, 6) for name, value in sorted(pairs, key=lambda pair: -pair[1])}


def train(
    learnt: Examples,
    names: Sequence[str],
    params: Params,
    progress: Callable[[int], None] | None = None,
    trees: int | None = None,
) -> Ranker:
    """Train on examples of the features `names`, with params.ranker.trees trees where `trees` does not say.

    Where at least params.ranker.shown_positives relevant examples were shown, each rank at which something was shown,
    and not being shown, has a bias of its own that is learnt beside the trees and left behind: what was taken because
    it stood first does not count for more than what stood below. Hu, Wang, Peng, Li, *Unbiased LambdaMART* (WWW
    2019), as LightGBM's `position` has it.

    `progress` is told after each tree how many there are. The same input gives the same text.
    Raises: DataError where LightGBM cannot train on so few examples.
    """
    settings = _settings(params)
    known = _dataset(learnt, names, settings, _positions(learnt, params))
    rounds = params.ranker.trees if trees is None else trees
    grown = _grown(len(learnt.labels), settings, known, rounds, callbacks=_told(progress))
    return Ranker.from_text(ranker_text.trees_of(grown.model_to_string(num_iteration=-1)), names)


def enough_trees(
    learnt: Examples,
    unseen: Examples,
    names: Sequence[str],
    params: Params,
    progress: Callable[[int], None] | None = None,
) -> int:
    """How many trees, trained on `learnt`, order `unseen` best by ndcg@evaluation.k: at least 1.

    They grow until params.ranker.patience more bring nothing, or to params.ranker.trees. Prechelt, *Early Stopping -
    But When?* (1998). Raises: DataError as `train` does.
    """
    settings = {**_settings(params), "metric": "ndcg", "eval_at": [params.evaluation.k]}
    known = _dataset(learnt, names, settings, _positions(learnt, params))
    grown = _grown(
        len(learnt.labels),
        settings,
        known,
        params.ranker.trees,
        valid_sets=[_dataset(unseen, names, settings, None, known)],
        callbacks=[*_told(progress), lgb.early_stopping(params.ranker.patience, verbose=False)],
    )
    return max(int(grown.best_iteration), 1)


def _grown(n: int, settings: Mapping[str, Any], known: lgb.Dataset, rounds: int, **more: Any) -> lgb.Booster:
    """`n` counts the examples."""
    try:
        return lgb.train(dict(settings), known, rounds, **more)
    except lgb.basic.LightGBMError as error:
        said = str(error).rstrip(" .\n")
        raise DataError(
            f"LightGBM cannot train on {n} examples ({said}). Load more history, or raise "
            "split.label_windows and the sizes in pool in params.yaml."
        ) from error


def _settings(params: Params) -> dict[str, Any]:
    chosen = params.ranker
    return {
        **_FIXED,
        "num_leaves": chosen.leaves,
        "learning_rate": chosen.learning_rate,
        "min_child_samples": chosen.min_child_samples,
        "feature_fraction": chosen.feature_share,
        "bagging_fraction": chosen.row_share,
        "bagging_freq": 1 if chosen.row_share < 1 else 0,
        "seed": params.seed,
    }


def _dataset(
    learnt: Examples,
    names: Sequence[str],
    settings: Mapping[str, Any],
    positions: np.ndarray | None,
    like: lgb.Dataset | None = None,
) -> lgb.Dataset:
    return lgb.Dataset(
        learnt.features,
        learnt.labels,
        group=learnt.group_sizes,
        feature_name=list(names),
        params=dict(settings),
        reference=like,
        position=positions,
    )


def _positions(learnt: Examples, params: Params) -> np.ndarray | None:
    """What tells LightGBM of positions: int32 (n,), not shown being one of its own; None where too little was shown."""
    if learnt.positions is None:
        return None
    shown = (learnt.positions != NOT_SHOWN) & (learnt.labels == 1)
    return (learnt.positions - NOT_SHOWN).astype(np.int32) if shown.sum() >= params.ranker.shown_positives else None


def _told(progress: Callable[[int], None] | None) -> list[Callable[..., None]]:
    return [] if progress is None else [lambda env: progress(env.iteration + 1)]
