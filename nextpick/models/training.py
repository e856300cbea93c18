"""How a ranker comes from a snapshot: the examples of every label window, how many trees they bear, then the trees."""

from collections.abc import Callable, Mapping

from nextpick.data.snapshot import Snapshot
from nextpick.errors import DataError
from nextpick.features.holdout import holdout
from nextpick.features.pair import feature_names
from nextpick.models import ranker
from nextpick.models.examples import candidates, examples, together
from nextpick.models.generator import Generator
from nextpick.models.ranker import Ranker
from nextpick.params import Params

Fitted = Callable[[int], Mapping[str, Generator]]
"""Gives the pool's generators of a label window, counted from 0, the oldest; they know nothing of it."""


def learn(snapshot: Snapshot, params: Params, fitted: Fitted, progress: Callable[[int], None] | None = None) -> Ranker:
    """The ranker of a snapshot, with its importance.

    Where there are several label windows, trees are grown on all but the newest until they order that one no better,
    and then as many on all of them. `progress` is told after each tree, of both times, how many there are.
    Raises: DataError where no candidate of any window was relevant.
    """
    windows, names = snapshot.windows.labels, feature_names(params.generators)
    parts = []
    for at, (start, end) in enumerate(windows):
        held = holdout(snapshot, params, start, end)
        pool = candidates(fitted(at), held, params)
        parts.append(examples(pool, held, params))
    learnt = together(parts)
    if not learnt.labels.any():
        raise DataError(
            "No candidate of any label window was relevant, so the ranker has nothing to learn from. "
            "Load more history, or raise the sizes in params pool."
        )
    trees = None
    older = together(parts[:-1]) if len(parts) > 1 else None
    if older is not None and params.ranker.patience and older.labels.any():
        newest = examples(pool, held, params, whole=True)  # an order is measured on all of it
        if newest.labels.any():
            trees = ranker.enough_trees(older, newest, names, params, progress)
    return ranker.train(learnt, names, params, progress, trees).explained(parts[-1].features)
