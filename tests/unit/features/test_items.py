"""The item table: as of a moment, from what was before it."""

import numpy as np
import pandas as pd
import pytest

from nextpick.features.items import ITEM_FEATURES, ItemTable, item_table, popularity_order
from nextpick.idmap import IdMap
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, catalogue, frame

ITEMS = IdMap(("a", "b", "c"))


def value(table: ItemTable, item: str, feature: str) -> float:
    return float(table.features[ITEMS.row(item), ITEM_FEATURES.index(feature)])


@pytest.fixture
def table() -> ItemTable:
    rows = [
        ("ann", "a", 1), ("ann", "a", 6.9), ("ben", "a", 7), ("ben", "a", 27), ("cem", "a", 28.01), ("cem", "b", 40),
    ]  # fmt: skip
    return item_table(frame(rows), catalogue(["a", "b", "c"], [2.5, np.nan, 9.0]), ITEMS, NOW)


def test_the_windows_are_half_open_and_end_at_the_moment(table: ItemTable) -> None:
    assert [value(table, "a", name) for name in ("popularity_7d", "popularity_28d", "buyers_28d")] == [3, 4, 2]
    assert [value(table, "b", name) for name in ("popularity_7d", "popularity_28d", "buyers_28d")] == [0, 0, 0]


def test_buyers_are_first_ones_in_the_window_of_their_first_time(table: ItemTable) -> None:
    """ann took a first 6.9 days ago, ben 27 and cem 28.01."""
    assert [value(table, "a", name) for name in ("first_buyers_7d", "first_buyers_28d")] == [1, 2]
    assert value(table, "a", "rebuy_share_28d") == pytest.approx((1 + 0) / (20 + 1))
    assert value(table, "a", "times_per_buyer") == pytest.approx(5 / 3)
    assert np.isnan(value(table, "c", "times_per_buyer"))


def test_who_had_it_a_month_ago_and_took_it_since_rebought_it() -> None:
    rows = [("ann", "a", 40), ("ann", "a", 3), ("ben", "a", 30), ("cem", "a", 2)]
    table = item_table(frame(rows), catalogue(["a", "b", "c"]), ITEMS, NOW)
    assert value(table, "a", "rebuy_share_28d") == pytest.approx((1 + 1) / (20 + 2))
    assert value(table, "b", "rebuy_share_28d") == pytest.approx(1 / 20)


def test_the_week_is_told_as_shares_of_the_most_popular_item(table: ItemTable) -> None:
    assert table.week_shares.tolist() == [1, 0, 0]
    assert item_table(frame([]), catalogue(["a", "b", "c"]), ITEMS, NOW).week_shares.tolist() == [0, 0, 0]


def test_the_rebuy_share_is_of_those_who_took_it(table: ItemTable) -> None:
    assert value(table, "a", "rebuy_share") == pytest.approx(2 / 3)
    assert value(table, "b", "rebuy_share") == 0
    assert np.isnan(value(table, "c", "rebuy_share"))


def test_the_trend_is_the_log_of_two_daily_rates(table: ItemTable) -> None:
    assert value(table, "a", "trend") == pytest.approx(np.log((4 / 7) / (5 / 28)))
    assert value(table, "c", "trend") == pytest.approx(np.log(4))


def test_ages_count_from_the_first_and_the_last_time(table: ItemTable) -> None:
    assert value(table, "a", "age_days") == pytest.approx(28.01)
    assert value(table, "a", "idle_days") == pytest.approx(1)
    assert np.isnan([value(table, "c", "age_days"), value(table, "c", "idle_days")]).all()


def test_an_item_is_as_old_as_its_publication_but_for_one_still_to_come() -> None:
    days = pd.Series(pd.to_datetime([NOW - 100 * US_PER_DAY, NOW + US_PER_DAY, NOW], unit="us", utc=True))
    known = catalogue(["a", "b", "c"]).assign(published_at=days)
    table = item_table(frame([("ann", "a", 1)]), known, ITEMS, NOW)
    assert value(table, "a", "age_days") == pytest.approx(100)
    assert np.isnan([value(table, "b", "age_days"), value(table, "c", "age_days")]).all()


def test_titles_categories_and_prices_come_from_the_catalogue(table: ItemTable) -> None:
    assert table.titles == ("The a", "The b", "The c")
    assert table.categories == (("a",), ("b",), ("c",))
    np.testing.assert_array_equal(table.prices, [2.5, np.nan, 9.0])
    assert value(table, "c", "price") == 9.0


def test_an_item_the_catalogue_lacks_has_its_id_for_a_title_and_no_price() -> None:
    table = item_table(frame([("ann", "b", 1)]), catalogue(["a", "z"]), ITEMS, NOW)
    assert table.titles == ("The a", "b", "c")
    assert table.categories[1] == ()
    assert np.isnan(table.prices[1])
    assert value(table, "b", "popularity_7d") == 1


def test_nothing_of_the_moment_or_later_is_used() -> None:
    past, future = [("ann", "a", 1.0)], [("ben", "b", 0.0), ("ben", "a", -2.0)]
    known = catalogue(["a", "b", "c"])
    then, now = (item_table(frame(rows), known, ITEMS, NOW).features for rows in (past, past + future))
    np.testing.assert_array_equal(then, now)


def test_without_any_interaction_every_window_is_empty() -> None:
    table = item_table(frame([]), catalogue(["a", "b", "c"]), ITEMS, NOW)
    assert table.features[:, ITEM_FEATURES.index("popularity_28d")].tolist() == [0, 0, 0]
    assert table.features.dtype == np.float32


def test_the_popular_come_by_week_then_month_then_row_and_only_this_weeks_have_a_rank() -> None:
    rows = [("ann", "c", 1), ("ann", "b", 10), ("ben", "b", 11), ("ann", "a", 10)]
    order, ranks = popularity_order(item_table(frame(rows), catalogue(["a", "b", "c"]), ITEMS, NOW))
    assert order.tolist() == [2, 1, 0]
    assert ranks.tolist() == [-1, -1, 0]
