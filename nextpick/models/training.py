"""How a ranker comes from a snapshot: the examples of every label window, then the trees."""

from collections.abc import Callable, Mapping

from nextpick.data.snapshot import Snapshot
from nextpick.errors import DataError
from nextpick.features.holdout import holdout
from nextpick.features.pair import feature_names
from nextpick.models import ranker
from nextpick.models.examples import Examples, examples, together
from nextpick.models.generator import Generator
from nextpick.models.ranker import Ranker
from nextpick.params import Params


def learn(
    snapshot: Snapshot,
    params: Params,
    fitted: Callable[[int], Mapping[str, Generator]],
    progress: Callable[[int], None] | None = None,
) -> Ranker:
    """The ranker of a snapshot. `fitted` gives the pool's generators of each label window, counted from 0, the oldest.

    They must know nothing of their window. Raises: DataError where no candidate of any window was relevant.
    """
    learnt = label_examples(snapshot, params, fitted)
    names = feature_names(params.generators)
    return ranker.train(learnt.features, learnt.labels, learnt.group_sizes, names, params, progress)


def label_examples(snapshot: Snapshot, params: Params, fitted: Callable[[int], Mapping[str, Generator]]) -> Examples:
    """The examples of every label window. Raises: DataError where there is nothing to learn from."""
    parts = [
        examples(fitted(window), holdout(snapshot, params, start, end), params)
        for window, (start, end) in enumerate(snapshot.windows.labels)
    ]
    learnt = together(parts)
    if not learnt.labels.any():
        raise DataError(
            "No candidate of any label window was relevant, so the ranker has nothing to learn from. "
            "Load more history, or raise the sizes in params pool."
        )
    return learnt
