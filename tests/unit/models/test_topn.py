"""The best items by inner product: the compiled kernel, its plain twin and a plain sort agree."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.features.histories import of_users
from nextpick.models import topn
from nextpick.models.topn import Barred, Exact, plain, top
from tests.worlds import checkerboard


def world(seed: int, users: int, items: int, factors: int, share: float) -> tuple[np.ndarray, np.ndarray, Barred]:
    """Whole-numbered vectors, so that every sum is exact and ties abound; a share of the items is barred to a user."""
    draw = np.random.default_rng(seed)
    vectors = draw.integers(-2, 3, (users, factors)).astype(np.float32)
    item_factors = draw.integers(-2, 3, (items, factors)).astype(np.float32)
    item_factors[draw.random(items) < 0.1] = np.nan
    off = draw.random((users, items)) < share
    return vectors, item_factors, Barred(np.append(0, off.sum(axis=1).cumsum()), np.nonzero(off)[1].astype(np.int32))


def by_sorting(
    vectors: np.ndarray, item_factors: np.ndarray, n: int, barred: Barred
) -> tuple[list[list[int]], list[list[float]]]:
    items, scores = [], []
    for u, (start, end) in enumerate(pairwise(barred.indptr.tolist())):
        values = item_factors.astype(np.float64) @ vectors[u].astype(np.float64)
        values[barred.item_rows[start:end]] = np.nan
        order = [i for i in np.lexsort((np.arange(len(values)), -values))[:n] if not np.isnan(values[i])]
        padding = n - len(order)
        items.append([int(i) for i in order] + [-1] * padding)
        scores.append([float(values[i]) for i in order] + [-np.inf] * padding)
    return items, scores


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    users=st.sampled_from([0, 1, 5, 6, 7, 97]),
    items=st.sampled_from([1, 15, 16, 63, 64, 65, 200, 700]),
    factors=st.sampled_from([1, 2, 3, 8]),
    n=st.sampled_from([1, 2, 10, 64, 100]),
    share=st.sampled_from([0.0, 0.05, 0.9, 1.0]),
)
def test_kernel_and_plain_path_give_what_sorting_gives(
    seed: int, users: int, items: int, factors: int, n: int, share: float
) -> None:
    vectors, item_factors, barred = world(seed, users, items, factors, share)
    expected = by_sorting(vectors, item_factors, n, barred)
    for found in (top(vectors, item_factors, n, barred), plain(vectors, item_factors, n, barred)):
        assert [part.tolist() for part in found] == list(expected)
        assert [part.dtype for part in found] == [np.int32, np.float32]


def test_there_is_a_kernel_to_test() -> None:
    assert topn.compiled() is not None


def test_on_real_numbers_kernel_and_plain_path_differ_by_rounding_alone() -> None:
    draw = np.random.default_rng(3)
    vectors, item_factors = (draw.normal(size=(size, 64)).astype(np.float32) for size in (200, 3000))
    nothing = Barred.nothing(200)
    items, scores = top(vectors, item_factors, 50, nothing)
    np.testing.assert_allclose(scores, plain(vectors, item_factors, 50, nothing)[1], rtol=1e-5)
    np.testing.assert_allclose(scores, np.take_along_axis(vectors @ item_factors.T, items, 1), rtol=1e-5)


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_no_bit_depends_on_the_threads_or_on_the_other_users(threads: int) -> None:
    draw = np.random.default_rng(4)
    vectors, item_factors = (draw.normal(size=(size, 16)).astype(np.float32) for size in (100, 900))
    index, nothing = Exact(item_factors), Barred.nothing(100)
    whole = index.top(vectors, 20, nothing)
    spread = index.top(vectors, 20, nothing, threads)
    alone = [index.top(vectors[u : u + 1], 20, Barred.nothing(1)) for u in range(100)]
    for at in (0, 1):
        assert whole[at].tobytes() == spread[at].tobytes() == b"".join(part[at].tobytes() for part in alone)


def test_without_numba_the_plain_path_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, item_factors, barred = world(1, 300, 50, 3, 0.1)
    kernel = top(vectors, item_factors, 10, barred)
    monkeypatch.setattr(topn, "compiled", lambda: None)
    for threads in (1, 2):
        for mine, other in zip(Exact(item_factors).top(vectors, 10, barred, threads), kernel, strict=True):
            np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("hides", [False, True])
def test_what_is_barred_is_the_marked_entries_and_what_is_hidden(hides: bool) -> None:
    board = checkerboard(12)
    hidden = np.zeros(13, bool)
    hidden[[3, 12]] = hides
    own = of_users(board, np.array([4, 7]))
    barred = Barred.of(own, own.item_rows != 5, hidden)
    expected = [{int(i) for i in board.item_rows[board.indptr[u] : board.indptr[u + 1]]} - {5} for u in (4, 7)]
    for u in (0, 1):
        mine = barred.item_rows[barred.indptr[u] : barred.indptr[u + 1]].tolist()
        assert mine == sorted(expected[u] | (({3, 12}) if hides else set()))
