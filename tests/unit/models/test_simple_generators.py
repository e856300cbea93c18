"""Popular and buy again, by hand."""

import numpy as np
import pytest

from nextpick.features.histories import Histories, histories
from nextpick.idmap import IdMap
from nextpick.models.generators.buy_again import BuyAgain
from nextpick.models.generators.popular import Popular
from tests.worlds import KINDS, NOW, frame, params

USERS, ITEMS = IdMap(("ann", "ben")), IdMap(("a", "b", "c"))
PARAMS = params(buy_again={"half_life_days": 10.0, "popularity_weight": 0.0}, popular={"half_life_days": 10.0})


@pytest.fixture
def known() -> Histories:
    rows = [("ann", "a", 10), ("ann", "a", 30), ("ann", "b", 0.0001), ("ben", "a", 20)]
    return histories(frame(rows), USERS, ITEMS, KINDS, NOW)


def test_buy_again_halves_an_items_weight_each_half_life_since_it_was_last_taken(known: Histories) -> None:
    scores = BuyAgain.fit(known, PARAMS).scores(known, np.array([0, 1]))
    np.testing.assert_allclose(scores, [[1.0, 1.0, np.nan], [0.25, np.nan, np.nan]], rtol=1e-4)


def test_buy_again_puts_what_is_popular_now_first_among_equals(known: Histories) -> None:
    """By a half life of 20 days a, taken 10 and 20 days ago, is the most popular, and b, taken now, the next."""
    chosen = params(buy_again={"half_life_days": 10.0, "popularity_weight": 3.0, "popularity_half_life_days": 20.0})
    a, b = 2**-0.5 + 2**-1.0, 1.0
    scores = BuyAgain.fit(known, chosen).scores(known, np.array([0, 1]))
    expected = [[1.0 + 3.0, 1.0 + 3.0 * b / a, np.nan], [0.25 + 3.0, np.nan, np.nan]]
    np.testing.assert_allclose(scores, expected, rtol=1e-4)


def test_popular_counts_a_user_once_an_item_by_the_last_time(known: Histories) -> None:
    scores = Popular.fit(known, PARAMS).scores(known, np.array([1]))
    np.testing.assert_allclose(scores, [[0.75, 1.0, np.nan]], rtol=1e-4)
