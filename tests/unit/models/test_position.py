"""Users look at what stands first: the ranker allows for it, where it was told what stood where."""

from dataclasses import replace

import numpy as np
import pytest

from nextpick.features.shown import NOT_SHOWN
from nextpick.models.examples import Examples, together
from nextpick.models.ranker import train
from tests.worlds import params

USERS, SIZE = 500, 20
NAMES = ("worth", "old")
CHOSEN = {
    "trees": 40, "leaves": 7, "min_child_samples": 50, "learning_rate": 0.1, "feature_share": 1, "row_share": 1,
    "shown_positives": 500,
}  # fmt: skip


def clicks(seed: int = 0) -> Examples:
    """Lists that an older model ordered by `old` and a little chance.

    A user looks at place n with chance 1 / (1 + n), and takes what they look at by its worth alone.
    """
    rng = np.random.default_rng(seed)
    worth, old = rng.random((2, USERS, SIZE))
    place = np.argsort(np.argsort(-(old + 0.3 * rng.random((USERS, SIZE))), axis=1), axis=1)
    taken = (rng.random(place.shape) < 1 / (1 + place)) & (rng.random(place.shape) < worth**2)
    features = np.stack([worth.ravel(), old.ravel()], axis=1).astype(np.float32)
    return Examples(features, taken.ravel().astype(np.int8), np.full(USERS, SIZE), place.ravel().astype(np.int16))


def agreement(learnt: Examples, shown_positives: int = 500) -> float:
    """How far the order of lists never seen follows the items' worth: Spearman's rho, the mean over users."""
    ranker = train(learnt, NAMES, params(ranker={**CHOSEN, "shown_positives": shown_positives}))
    fresh = clicks(seed=1).features
    places = (np.argsort(np.argsort(x.reshape(USERS, SIZE))) for x in (ranker.predict(fresh), fresh[:, 0]))
    return float(np.mean([np.corrcoef(one, other)[0, 1] for one, other in zip(*places, strict=True)]))


def test_the_true_order_comes_out_where_positions_are_known_and_does_not_where_they_are_not() -> None:
    told, untold = agreement(clicks()), agreement(replace(clicks(), positions=None))
    assert told > 0.87
    assert untold < 0.8


def test_too_few_that_were_shown_and_taken_say_nothing_of_positions() -> None:
    learnt = clicks()
    assert agreement(learnt, int(learnt.labels.sum()) + 1) == agreement(replace(learnt, positions=None))
    unshown = replace(learnt, positions=np.full(len(learnt.labels), NOT_SHOWN, np.int16))
    assert agreement(unshown) == agreement(replace(learnt, positions=None))


def test_windows_without_answers_were_not_shown_beside_windows_with_them() -> None:
    learnt = clicks()
    both = together([replace(learnt, positions=None), learnt])
    assert both.positions is not None
    assert (both.positions[: len(learnt.labels)] == NOT_SHOWN).all()
    assert both.positions[len(learnt.labels) :].tolist() == learnt.positions.tolist()  # type: ignore[union-attr]
    assert together([replace(learnt, positions=None)]).positions is None


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_positions_make_the_same_text(seed: int) -> None:
    chosen = params(ranker={**CHOSEN, "trees": 5})
    assert train(clicks(seed), NAMES, chosen).text == train(clicks(seed), NAMES, chosen).text
