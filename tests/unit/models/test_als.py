"""ALS: the formula of its docstring, solved another way."""

import numpy as np
import pytest

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
    left = y.T @ np.diag(confidence) @ y + als.regularization * np.eye(y.shape[1])
    return np.linalg.solve(left, y.T @ (confidence * wanted))


@pytest.mark.parametrize("user", [0, 7])
def test_a_user_is_folded_in_by_the_normal_equations(user: int) -> None:
    board = checkerboard()
    als = Als.fit(board, params(als={"factors": 3}))
    expected = als.item_factors @ normal_equations(als, of_users(board, np.array([user])))
    np.testing.assert_allclose(als.scores(board, np.array([user]))[0], expected, atol=1e-5)


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
