"""The ranker's trees as arrays give LightGBM's scores to the bit, or say that they cannot."""

import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.models import trees
from nextpick.models.examples import Examples
from nextpick.models.ranker import Ranker, train
from nextpick.models.trees import Trees
from tests.worlds import params

NAMES = ("gaps", "whole", "counts", "same")


def columns(seed: int, n: int = 4000) -> np.ndarray:
    """One with gaps, one without, one of few whole numbers around 0, one constant."""
    draw = np.random.default_rng(seed)
    gaps, whole = draw.normal(size=(2, n))
    gaps[draw.random(n) < 0.3] = np.nan
    return np.stack([gaps, whole, draw.integers(-2, 3, n), np.ones(n)], axis=1).astype(np.float32)


def learnt(leaves: int, n_trees: int = 12) -> Ranker:
    features = columns(0)
    wanted = (np.nan_to_num(features[:, 0], nan=0.7) + features[:, 1] * features[:, 2] > 1).astype(np.int8)
    chosen = {"trees": n_trees, "leaves": leaves, "min_child_samples": 5, "feature_share": 1.0, "row_share": 1.0}
    return train(Examples(features, wanted, np.full(200, 20)), NAMES, params(ranker=chosen))


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    return learnt(32)


def lightgbms(ranker: Ranker, rows: np.ndarray) -> bytes:
    return np.asarray(ranker._booster.predict(rows, num_threads=1), np.float64).tobytes()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(1, 10**6), n=st.sampled_from([1, 63, 64, 65, 500]), kinds=st.randoms(use_true_random=False))
def test_every_row_has_the_score_of_lightgbm(ranker: Ranker, seed: int, n: int, kinds) -> None:  # type: ignore[no-untyped-def]
    """Whatever a split does with a missing value: the kinds of one digit are dealt out anew."""

    def dealt(line: re.Match[str]) -> str:
        return re.sub(r"\b[028]\b", lambda _: kinds.choice("028"), line[0])

    changed = Ranker.from_text(re.sub("decision_type=.*", dealt, ranker.text), NAMES)
    rows = columns(seed, n)
    rows[np.random.default_rng(seed).random(rows.shape) < 0.1] = np.nan
    found = Trees.of(changed.text)
    assert found is not None
    assert found.predict(rows).tobytes() == lightgbms(changed, rows)  # type: ignore[union-attr]


def test_values_on_and_beside_a_threshold_go_where_lightgbm_sends_them(ranker: Ranker) -> None:
    found = Trees.of(ranker.text)
    assert found is not None
    near = found.thresholds[found.features == 1]
    at = np.concatenate([near, np.nextafter(near, np.float32(np.inf)), [np.inf, -np.inf]]).astype(np.float32)
    rows = np.resize(columns(1), (len(at), 4))
    rows[:, 1] = at
    assert found.predict(rows).tobytes() == lightgbms(ranker, rows)  # type: ignore[union-attr]


def test_many_rows_are_scored_by_the_arrays_and_few_by_lightgbm(
    ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = columns(5)
    expected = lightgbms(ranker, rows)
    monkeypatch.setattr("nextpick.models.ranker.at_hand", lambda: False)
    asked = []
    monkeypatch.setattr(Trees, "predict", lambda self, rows: asked.append(len(rows)) or np.zeros(len(rows)))
    assert ranker.predict(rows).tobytes() == bytes(8 * len(rows))
    assert ranker.predict(rows[:100]).tobytes() == expected[:800]
    assert asked == [len(rows)]


def test_once_they_are_loaded_the_arrays_score_few_rows_too(ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = columns(5)[:100]
    expected = lightgbms(ranker, rows)
    assert trees.compiled() is not None
    assert trees.at_hand()
    monkeypatch.setattr(ranker._booster, "predict", None)
    ranker.get_ready()
    assert ranker.predict(rows).tobytes() == expected


def test_a_tree_that_splits_nothing_adds_its_one_value() -> None:
    nothing = Examples(np.ones((4000, 4), np.float32), (np.arange(4000) % 20 == 0).astype(np.int8), np.full(200, 20))
    ranker = train(nothing, NAMES, params(ranker={"trees": 2}))
    found = Trees.of(ranker.text)
    assert found is not None
    assert found.predict(columns(1, 10)).tobytes() == lightgbms(ranker, columns(1, 10))  # type: ignore[union-attr]


def test_trees_of_more_leaves_than_bits_are_left_to_lightgbm() -> None:
    ranker = learnt(33, 1)
    assert Trees.of(ranker.text) is None
    rows = columns(2)
    assert ranker.predict(rows).tobytes() == lightgbms(ranker, rows)


def test_where_zero_is_a_missing_value_lightgbm_answers(ranker: Ranker) -> None:
    assert Trees.of(re.sub("decision_type=.", "decision_type=4", ranker.text)) is None


def test_without_numba_lightgbm_answers(ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = columns(6)
    monkeypatch.setattr(trees, "compiled", cache(lambda: None))
    assert trees.compiled() is None
    assert not trees.at_hand()
    assert ranker.predict(rows).tobytes() == lightgbms(ranker, rows)
