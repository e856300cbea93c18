"""ALS: the formula of its docstring, solved another way."""

import numpy as np
import pytest
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from nextpick.features.histories import Histories, histories, of_users
from nextpick.idmap import IdMap
from nextpick.models.generators.als import Als
from nextpick.schema import US_PER_DAY
from tests.worlds import KINDS, NOW, checkerboard, frame, params


def normal_equations(als: Als, history: Histories) -> np.ndarray:
    """One user's vector from dense matrices, in float64."""
    y = np.nan_to_num(als.item_factors).astype(np.float64)
    confidence, wanted = np.ones(len(y)), np.zeros(len(y))
    age_days = (history.as_of - history.last_at) / US_PER_DAY
    confidence[history.item_rows] += als.alpha * history.weights * 2.0 ** (-age_days / als.half_life_days)
    wanted[history.item_rows] = 1
    penalty = als.regularization * (len(history.item_rows) / als.mean_items) ** als.frequency_exponent
    left = y.T @ np.diag(confidence) @ y + penalty * np.eye(y.shape[1])
    return np.linalg.solve(left, y.T @ (confidence * wanted))


@pytest.mark.parametrize("exponent", [0.0, 0.7])
@pytest.mark.parametrize("factors", [3, 8])  # fewer and more than the user has items
@pytest.mark.parametrize("user", [0, 7])
def test_a_user_is_folded_in_by_the_normal_equations(user: int, factors: int, exponent: float) -> None:
    board = checkerboard()
    als = Als.fit(board, params(als={"factors": factors, "frequency_exponent": exponent}))
    expected = als.item_factors @ normal_equations(als, of_users(board, np.array([user])))
    np.testing.assert_allclose(als.scores(board, np.array([user]))[0], expected, atol=1e-5)


@pytest.mark.parametrize("factors", [4, 24])
def test_fold_in_is_implicits_own(factors: int) -> None:
    """Without the frequency's power the loss is implicit's, and so is the user's vector."""
    draw = np.random.default_rng(5)
    y = draw.normal(scale=0.3, size=(40, factors)).astype(np.float32)
    rows = np.sort(draw.choice(40, 11, replace=False))
    confidence = draw.uniform(1, 9, len(rows)).astype(np.float32)
    theirs = AlternatingLeastSquares(factors=factors, regularization=0.3, num_threads=1)
    theirs.item_factors = y
    with threadpool_limits(1, "blas"):
        expected = theirs.recalculate_user(0, csr_matrix((confidence, rows, [0, len(rows)]), shape=(1, 40)))
    ours = Als(y, alpha=1.0, regularization=0.3, frequency_exponent=0.0, mean_items=1.0, half_life_days=1.0)
    np.testing.assert_allclose(ours.fold_in(rows, confidence - 1.0), expected, atol=1e-4)


def test_a_row_of_many_entries_is_held_back_more_where_the_frequency_counts() -> None:
    """Both users have the item asked for; the one with more items is pulled further towards nothing."""
    board = checkerboard()
    flat, steep = (Als.fit(board, params(als={"factors": 3, "regularization": 5.0})).item_factors for _ in range(2))
    few, many = np.arange(0, 2), np.arange(0, 12)
    for rows, further in ((few, False), (many, True)):
        lengths = [
            np.linalg.norm(Als(y, 1.0, 5.0, exponent, 6.0, 60.0).fold_in(rows, np.ones(len(rows))))
            for y, exponent in ((flat, 0.0), (steep, 1.0))
        ]
        assert (lengths[1] < lengths[0]) == further


def test_fitted_item_factors_solve_their_side_too() -> None:
    """At the end of the iterations an item's factors are nearly those that the users' vectors ask for."""
    board = checkerboard()
    als = Als.fit(board, params(als={"factors": 2, "iterations": 200, "regularization": 0.5}))
    x = np.array([normal_equations(als, of_users(board, np.array([u]))) for u in range(len(board))])
    confidence, wanted = np.ones((len(board), board.n_items)), np.zeros((len(board), board.n_items))
    age_days = (board.as_of - board.last_at) / US_PER_DAY
    extra = als.alpha * board.weights * 2.0 ** (-age_days / als.half_life_days)
    confidence[board.user_rows, board.item_rows] += extra
    wanted[board.user_rows, board.item_rows] = 1
    for item in range(board.n_items - 1):
        left = x.T @ np.diag(confidence[:, item]) @ x + als.regularization * np.eye(2)
        right = x.T @ (confidence[:, item] * wanted[:, item])
        np.testing.assert_allclose(als.item_factors[item], np.linalg.solve(left, right), atol=0.02)


def test_another_seed_makes_another_model_and_the_same_seed_the_same() -> None:
    board = checkerboard()
    one, again, other = (
        Als.fit(board, params(als={"factors": 4}).model_copy(update={"seed": seed})).item_factors.tobytes()
        for seed in (1, 1, 2)
    )
    assert one == again != other


def test_what_was_taken_long_ago_says_less() -> None:
    """Two users of both circles, one lately of the first and one lately of the second, are told apart by it."""
    circles = [(f"{kind}{n}", f"{kind}-{i}", 5.0) for kind in "xy" for n in range(8) for i in range(5)]
    both = [("ann", f"{kind}-{i}", days) for kind, days in (("x", 2.0), ("y", 200.0)) for i in range(3)]
    twin = [("ben", f"{kind}-{i}", days) for kind, days in (("y", 2.0), ("x", 200.0)) for i in range(3)]
    events = frame(circles + both + twin)
    users, items = IdMap.fit(events["user_id"]), IdMap.fit(events["item_id"])
    known = histories(events, users, items, KINDS, NOW)
    als = Als.fit(known, params(als={"factors": 2, "regularization": 0.1}))
    new_x, new_y = items.row("x-4"), items.row("y-4")
    ann, ben = als.scores(known, np.array([users.row("ann"), users.row("ben")]))
    assert ann[new_x] > ann[new_y]
    assert ben[new_y] > ben[new_x]
