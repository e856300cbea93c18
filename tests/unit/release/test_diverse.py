"""Unlikeness counts as much as was asked for."""

from dataclasses import replace

import numpy as np
import pytest

from nextpick.release.diverse import diverse
from nextpick.release.loaded import Loaded
from tests.published import Version
from tests.unit.release.test_answer import N, loaded_world


@pytest.fixture(scope="module")
def loaded(version: Version) -> Loaded:
    return loaded_world(version, 100)[0]


def by_the_book(alike: np.ndarray, k: int, d: float) -> list[int]:
    """Carbonell and Goldstein's rule, one place at a time."""
    n, chosen = len(alike), []
    while len(chosen) < min(k, n):
        left = [i for i in range(n) if i not in chosen]
        worth = [(1 - d) * (1 - i / n) - d * max((alike[i][j] for j in chosen), default=0.0) for i in left]
        chosen.append(left[int(np.argmax(worth))])
    return chosen


@pytest.mark.parametrize("d", [0.1, 0.5, 1.0])
def test_each_place_weighs_relevance_and_unlikeness(loaded: Loaded, d: float) -> None:
    rows = np.random.default_rng(1).permutation(N)[:20].astype(np.int32)
    assert loaded.bundle.vectors is not None
    vectors = np.nan_to_num(loaded.bundle.vectors[rows])
    alike = np.clip(vectors @ vectors.T, 0, 1)
    order = diverse(loaded, rows, 8, d)
    assert order[:8].tolist() == by_the_book(alike, 8, d)
    assert sorted(order.tolist()) == list(range(20))


def test_none_leaves_the_order_alone(loaded: Loaded) -> None:
    assert diverse(loaded, np.arange(9, dtype=np.int32), 5, 0.0).tolist() == list(range(9))


def test_without_vectors_a_category_is_what_is_alike(loaded: Loaded) -> None:
    bare = replace(loaded, bundle=replace(loaded.bundle, generators={}))
    kinds = [item.split("-")[0] for item in loaded.items.ids]
    teas = [i for i, kind in enumerate(kinds) if kind == "tea"]
    rows = np.array([*teas[:5], kinds.index("tool")], np.int32)
    assert diverse(bare, rows, 2, 0.9)[1] == 5  # the only tool comes second
