"""The pool: each generator's best, together, under the rules of what may be shown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nextpick.models import candidates
from nextpick.models import pool as pools
from nextpick.models.pool import build_pool, ranked
from nextpick.models.topn import best
from tests.worlds import checkerboard, params

BOARD = checkerboard(12)
SIZES = {"als": 3, "buy_again": 2, "popular": 4}
SMALL = params(als={"factors": 2, "regularization": 0.1}).model_copy(update={"pool": SIZES})
GENERATORS = candidates.fit(BOARD, SMALL)
EVERYBODY = np.arange(12, dtype=np.int32)

grids = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=st.sampled_from([0.0, 1.0, -1.0, np.nan])
)


@settings(max_examples=100, deadline=None)
@given(scores=grids, n=st.integers(1, 12))
def test_best_is_the_plain_sort_of_each_row(scores: np.ndarray, n: int) -> None:
    rows, columns, places = best(scores, n)
    found = list(zip(rows.tolist(), columns.tolist(), places.tolist(), strict=True))
    expected = []
    for row, values in enumerate(scores):
        order = sorted((i for i in range(len(values)) if not np.isnan(values[i])), key=lambda i: (-values[i], i))
        expected += [(row, column, place) for place, column in enumerate(order[:n])]
    assert found == expected


@given(seed=st.integers(0, 999), n=st.integers(1, 12), width=st.sampled_from([5, 511, 512, 1300]))
def test_so_it_is_where_columns_are_many(seed: int, n: int, width: int) -> None:
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 40, (3, width)).astype(np.float32)
    scores[draw.random(scores.shape) < 0.3] = -np.inf
    rows, columns, place = best(scores, n)
    for row in range(3):
        order = np.lexsort((np.arange(width), -scores[row]))
        expected = [int(c) for c in order[:n] if scores[row, c] > -np.inf]
        assert columns[rows == row].tolist() == expected
        assert place[rows == row].tolist() == list(range(len(expected)))


@pytest.mark.parametrize(("shape", "n"), [((0, 1300), 5), ((2, 0), 5), ((2, 1300), 0)])
def test_of_nothing_there_is_no_best(shape: tuple[int, int], n: int) -> None:
    assert [len(part) for part in best(np.ones(shape, np.float32), n)] == [0, 0, 0]


def test_a_pool_is_the_union_of_each_generators_best() -> None:
    together = build_pool(GENERATORS, SIZES, EVERYBODY, BOARD, "allow")
    assert together.generators == tuple(GENERATORS)
    for at, (name, generator) in enumerate(GENERATORS.items()):
        alone = build_pool({name: generator}, SIZES, EVERYBODY, BOARD, "allow")
        proposed = (together.ranks[:, at] >= 0) & (together.ranks[:, at] < SIZES[name])
        assert together.user_rows[proposed].tolist() == alone.user_rows.tolist()
        assert together.item_rows[proposed].tolist() == alone.item_rows.tolist()
        assert together.ranks[proposed, at].tolist() == alone.ranks[:, 0].tolist()
    assert ((together.ranks >= 0) & (together.ranks < list(SIZES.values()))).any(axis=1).all()


@settings(max_examples=100, deadline=None)
@given(scores=hnp.arrays(np.float32, 12, elements=st.sampled_from([0.0, 1.0, 2.0, np.nan])))
def test_every_candidate_is_ranked_among_its_users_unless_it_has_no_score(scores: np.ndarray) -> None:
    users = np.repeat([3, 5, 9], [4, 7, 1])
    found = ranked(users, scores)
    for user in (3, 5, 9):
        mine = scores[users == user]
        order = sorted((i for i in range(len(mine)) if not np.isnan(mine[i])), key=lambda i: (-mine[i], i))
        expected = [order.index(i) if i in order else -1 for i in range(len(mine))]
        assert found[users == user].tolist() == expected


def test_vectors_are_those_of_als_at_length_one() -> None:
    pool = build_pool(GENERATORS, SIZES, EVERYBODY, BOARD, "allow")
    assert pool.vectors is not None
    np.testing.assert_allclose(np.linalg.norm(pool.vectors[:12], axis=1), 1, rtol=1e-6)
    assert np.isnan(pool.vectors[12]).all()  # nobody has it
    assert build_pool({"popular": GENERATORS["popular"]}, SIZES, EVERYBODY, BOARD, "allow").vectors is None


def test_every_candidate_has_every_generators_score() -> None:
    pool = build_pool(GENERATORS, SIZES, EVERYBODY, BOARD, "allow")
    for at, generator in enumerate(GENERATORS.values()):
        whole = generator.scores(BOARD, EVERYBODY)
        np.testing.assert_array_equal(pool.scores[:, at], whole[pool.user_rows, pool.item_rows])


def test_candidates_go_by_user_and_item_and_none_twice() -> None:
    pool = build_pool(GENERATORS, SIZES, EVERYBODY, BOARD, "allow")
    pairs = list(zip(pool.user_rows.tolist(), pool.item_rows.tolist(), strict=True))
    assert pairs == sorted(set(pairs))
    assert [array.dtype for array in (pool.user_rows, pool.item_rows, pool.scores, pool.ranks)] == [
        np.int32, np.int32, np.float32, np.int16,
    ]  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 5, 12])
def test_how_many_users_are_scored_at_once_changes_no_bit(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    whole = build_pool(GENERATORS, SIZES, EVERYBODY, BOARD, "exclude")
    monkeypatch.setattr(pools, "USERS_AT_ONCE", at_once)
    parts = build_pool(GENERATORS, SIZES, EVERYBODY, BOARD, "exclude")
    for name in ("user_rows", "item_rows", "scores", "ranks"):
        assert getattr(parts, name).tobytes() == getattr(whole, name).tobytes()


def test_hidden_items_are_no_candidates_and_the_next_best_take_their_place() -> None:
    hidden = np.zeros(13, bool)
    hidden[[0, 1]] = True
    pool = build_pool({"popular": GENERATORS["popular"]}, {"popular": 3}, EVERYBODY[:1], BOARD, "allow", hidden)
    assert pool.item_rows.tolist() == [2, 3, 4]
    assert pool.ranks[:, 0].tolist() == [0, 1, 2]


def test_more_candidates_than_items_are_all_that_have_a_score() -> None:
    pool = build_pool({"popular": GENERATORS["popular"]}, {"popular": 1000}, EVERYBODY[:1], BOARD, "allow")
    assert pool.item_rows.tolist() == list(range(12))


def test_nobody_has_an_empty_pool() -> None:
    pool = build_pool(GENERATORS, SIZES, EVERYBODY[:0], BOARD, "allow")
    assert (len(pool.item_rows), pool.scores.shape, pool.ranks.shape) == (0, (0, 3), (0, 3))
