"""The paired bootstrap: its bounds hold as often as they say."""

import numpy as np
import pytest

from nextpick.evaluation import bootstrap
from nextpick.evaluation.bootstrap import bounds, paired


def test_the_bounds_enclose_the_true_mean_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    held = [
        found.low <= 0.1 <= found.high for n in range(200) for found in [paired(rng.normal(0.1, 1, 200), 300, seed=n)]
    ]
    assert 0.89 <= np.mean(held) <= 0.99


def test_a_difference_that_is_the_same_for_all_is_certain() -> None:
    assert paired(np.full(50, 0.25), 100, seed=1) == bootstrap.Difference(0.25, 0.25, 0.25)


def test_the_same_seed_gives_the_same_bounds_however_much_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).normal(size=77)
    whole = paired(values, 200, seed=5)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 77 * 9)
    assert paired(values, 200, seed=5) == whole
    assert paired(values, 200, seed=6) != whole


def test_nobody_is_no_sample() -> None:
    with pytest.raises(ValueError, match="no user to draw"):
        paired(np.empty(0), 100, seed=1)


def test_columns_are_bounded_by_the_same_draws() -> None:
    values = np.random.default_rng(4).normal(size=(60, 3))
    low, high = bounds(values, 200, seed=5)
    for column, lower, upper in zip(values.T, low, high, strict=True):
        alone = paired(column, 200, seed=5)
        assert (lower, upper) == (alone.low, alone.high)
