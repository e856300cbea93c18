"""The approximate index: what it finds is right, most of it is found, and what is barred never comes out."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from nextpick.errors import ConfigError
from nextpick.features.histories import Histories
from nextpick.models import candidates, recall
from nextpick.models.approximate import Approximate, index_of
from nextpick.models.generators.als import Als
from nextpick.models.pool import build_pool
from nextpick.models.topn import Barred, Exact
from tests.worlds import NOW, checkerboard, params

USERS, ITEMS, FACTORS, N = 60, 12_000, 16, 40


def tastes(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of users and items around 40 tastes, the items' lengths spread over two decimal places; some unknown."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(40, FACTORS))
    users = centres[draw.integers(0, 40, USERS)] + draw.normal(scale=0.4, size=(USERS, FACTORS))
    items = centres[draw.integers(0, 40, ITEMS)] + draw.normal(scale=0.4, size=(ITEMS, FACTORS))
    items *= np.exp(draw.normal(size=(ITEMS, 1)))
    items[draw.random(ITEMS) < 0.1] = np.nan
    return users.astype(np.float32), items.astype(np.float32)


def share_found(vectors: np.ndarray, items: np.ndarray, probes: int, barred: Barred) -> float:
    exact, _ = Exact(items).top(vectors, N, barred)
    found, _ = Approximate(items, probes).top(vectors, N, barred)
    return float(np.mean([np.isin(right, mine).mean() for right, mine in zip(exact, found, strict=True)]))


def test_most_is_found_and_more_probes_find_more_up_to_all() -> None:
    vectors, items = tastes(1)
    few, some, every = (share_found(vectors, items, probes, Barred.nothing(USERS)) for probes in (8, 32, 10_000))
    assert few < some
    assert 0.95 < some < 1
    assert every == 1


def test_what_comes_out_has_its_true_score_best_first_and_is_neither_barred_nor_unknown() -> None:
    vectors, items = tastes(2)
    draw = np.random.default_rng(2)
    off = draw.random((USERS, ITEMS)) < 0.3
    off[:30, :] = False
    off[:30, 7] = True
    barred = Barred(np.append(0, off.sum(axis=1).cumsum()), np.nonzero(off)[1].astype(np.int32))
    found, scores = Approximate(items, 64).top(vectors, N, barred)
    assert (found.dtype, scores.dtype, found.shape) == (np.int32, np.float32, (USERS, N))
    assert (found >= 0).all()
    assert not off[np.arange(USERS)[:, None], found].any()
    assert (np.diff(scores, axis=1) <= 0).all()
    assert [len(set(row)) for row in found.tolist()] == [N] * USERS
    np.testing.assert_allclose(scores, np.einsum("uf,unf->un", vectors, items[found]), rtol=1e-3, atol=1e-3)


def test_who_would_be_left_with_too_few_gets_the_exact_answer() -> None:
    vectors, items = tastes(3)
    off = np.zeros((USERS, ITEMS), bool)
    best, _ = Exact(items).top(vectors, 4 * N, Barred.nothing(USERS))
    off[np.arange(20)[:, None], best[:20]] = True
    off[5] = True
    barred = Barred(np.append(0, off.sum(axis=1).cumsum()), np.nonzero(off)[1].astype(np.int32))
    exact, found = (index.top(vectors, N, barred) for index in (Exact(items), Approximate(items, 16)))
    for mine, right in zip(found, exact, strict=True):
        np.testing.assert_array_equal(mine[:20], right[:20])


def test_the_same_items_make_the_same_index() -> None:
    vectors, items = tastes(4)
    one, other = (Approximate(items, 8).top(vectors, N, Barred.nothing(USERS), threads) for threads in (1, 2))
    assert [part.tobytes() for part in one] == [part.tobytes() for part in other]


def test_without_faiss_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, items = tastes(5)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ConfigError, match=r"als\.approximate_above .*: pip install 'nextpick\[approximate\]'"):
        Approximate(items, 8).top(vectors, N, Barred.nothing(USERS))


def test_no_known_item_leaves_nothing_to_index() -> None:
    assert isinstance(index_of(np.full((9, 2), np.nan, np.float32), 8), Exact)


@pytest.fixture
def board() -> Histories:
    return checkerboard(40)


def test_only_a_catalogue_above_the_size_is_searched_so_and_the_bundle_remembers_it(board: Histories) -> None:
    assert Als.fit(board, params(als={"factors": 4})).probes == 0, "it is not off by default"
    for above, probes in ((board.n_items, 0), (board.n_items - 1, 3)):
        fitted = Als.fit(board, params(als={"factors": 4, "approximate_above": above, "probes": 3}))
        again = candidates.load("als", candidates.dump(fitted))
        assert (fitted.probes, again.probes) == (probes, probes)  # type: ignore[attr-defined]
        assert ("probes" in fitted.arrays()) == bool(probes), "a bundle that does not use it is what it was"


def test_a_pool_has_the_candidates_it_finds_with_exact_scores_and_recall_says_how_many_that_are() -> None:
    _, items = tastes(6)
    draw = np.random.default_rng(6)
    taken = np.sort([draw.choice(ITEMS, 10, replace=False) for _ in range(USERS)])
    known = Histories(
        as_of=NOW,
        n_items=ITEMS,
        indptr=np.arange(USERS + 1) * 10,
        item_rows=taken.ravel().astype(np.int32),
        counts=np.ones(taken.size, np.int32),
        weights=np.ones(taken.size, np.float32),
        first_at=np.full(taken.size, NOW - 1),
        last_at=np.full(taken.size, NOW - 1),
    )
    exact = Als(items, alpha=1.0, regularization=1.0, frequency_exponent=0.0, mean_items=1.0, half_life_days=60.0)
    rough = replace(exact, probes=12)
    rows, hidden = np.arange(USERS, dtype=np.int32), draw.random(ITEMS) < 0.001
    right, found = (build_pool({"als": one}, {"als": N}, rows, known, "exclude", hidden) for one in (exact, rough))
    scores = exact.scores(known, rows)
    np.testing.assert_array_equal(found.scores[:, 0], scores[found.user_rows, found.item_rows])
    assert not hidden[found.item_rows].any()
    pairs = [set(zip(pool.user_rows.tolist(), pool.item_rows.tolist(), strict=True)) for pool in (right, found)]
    share = len(pairs[0] & pairs[1]) / len(pairs[0])
    assert 0.5 < share < 1
    assert recall.recalls({"als": rough}, {"als": N}, rows, known, "exclude", hidden) == {"als": share}
    assert recall.approximate({"als": exact}) == []
