"""Contributions are LightGBM's, whatever the trees and the rows."""

import lightgbm as lgb
import numpy as np
import pytest

from nextpick.models import ranker_text
from nextpick.models.shapley import Paths

FEATURES = 6


def model(seed: int, leaves: int = 31, trees: int = 20, **settings: object) -> lgb.Booster:
    """A LambdaRank over few features, so that paths come back to the same one, some of them unknown here and there."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3000, FEATURES)).astype(np.float32)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[:, 5] = rng.integers(0, 3, 3000)
    labels = (np.nan_to_num(rows[:, 0]) * np.nan_to_num(rows[:, 1]) + rows[:, 5] > 1).astype(int)
    chosen = {"objective": "lambdarank", "num_leaves": leaves, "min_child_samples": 5, "verbosity": -1, **settings}
    return lgb.train(chosen, lgb.Dataset(rows, labels, group=[30] * 100), trees)


def rows_of(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, FEATURES), scale=2).astype(np.float32)
    rows[rng.random(rows.shape) < 0.2] = np.nan
    rows[rng.random(rows.shape) < 0.05] = np.inf
    rows[rng.random(rows.shape) < 0.05] = -np.inf
    return rows


@pytest.mark.parametrize("n", [1, 15, 16, 17, 100])
@pytest.mark.parametrize(
    "settings",
    [{}, {"leaves": 2}, {"leaves": 120}, {"use_missing": False}, {"bagging_fraction": 0.5, "bagging_freq": 1}],
)
def test_they_are_lightgbms(n: int, settings: dict[str, object]) -> None:
    booster = model(n, **settings)  # type: ignore[arg-type]
    paths = Paths.of(ranker_text.trees_of(booster.model_to_string(num_iteration=-1)))
    assert paths is not None
    rows = rows_of(n, n)
    found = paths.contributions(rows)
    assert found is not None
    np.testing.assert_allclose(found, booster.predict(rows, pred_contrib=True), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), booster.predict(rows), rtol=1e-9, atol=1e-10)


def test_no_rows_and_trees_of_one_leaf() -> None:
    booster = model(1, trees=3, min_child_samples=5000)
    paths = Paths.of(ranker_text.trees_of(booster.model_to_string(num_iteration=-1)))
    assert paths is not None
    found = paths.contributions(rows_of(1, 4))
    np.testing.assert_allclose(found, booster.predict(rows_of(1, 4), pred_contrib=True))
    empty = paths.contributions(np.empty((0, FEATURES), np.float32))
    assert empty is not None
    assert empty.shape == (0, FEATURES + 1)


def test_splits_of_another_kind_are_left_to_lightgbm() -> None:
    booster = model(2, zero_as_missing=True)
    assert Paths.of(ranker_text.trees_of(booster.model_to_string(num_iteration=-1))) is None
