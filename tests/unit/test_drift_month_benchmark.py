"""The month that the benchmark simulates is a shop's, what it plants is what it says, and its bound is exact."""

import numpy as np
import pytest
from scipy import stats

from benchmarks import drift_month
from benchmarks.yardstick import planting
from benchmarks.yardstick.trade import NAMES, US_PER_DAY, Trade, trade
from nextpick.params import DriftParams

DAY = 15  # a Tuesday


@pytest.fixture(scope="module")
def shop() -> Trade:
    return trade(days=21, lines_a_day=3000, answers_a_day=200, seed=3)


def test_lines_come_in_order_on_their_days_and_never_on_a_saturday(shop: Trade) -> None:
    for day, lines in enumerate(shop.lines):
        assert (np.diff(lines.at) >= 0).all()
        assert set(lines.at // US_PER_DAY) <= {day}
        assert (len(lines.at) == 0) == (day % 7 == 5)


def test_baskets_are_as_large_as_the_samples(shop: Trade) -> None:
    sizes = np.concatenate([np.unique(lines.user, return_counts=True)[1] for lines in shop.lines if len(lines.at)])
    assert 11 <= np.median(sizes) <= 18
    assert 17 <= sizes.mean() <= 28


@pytest.mark.parametrize("name", planting.DRIFTS)
def test_what_is_planted_is_there_and_its_day_is_still_in_order(shop: Trade, name: str) -> None:
    lines, served, columns = planting.DRIFTS[name](np.random.default_rng(1), shop, DAY)
    was, answered = shop.lines[DAY], shop.served[DAY]
    changed = {
        "popularity_doubled": shop.popularity[DAY][lines.item].sum() > 1.3 * shop.popularity[DAY][was.item].sum(),
        "category_lost": len(set(shop.items.category[lines.item])) == len(set(shop.items.category[was.item])) - 1,
        "feature_dead": sum(np.ptp(column) == 0 for column in served.features.reshape(-1, len(NAMES)).T) == 1,
        "nulls_doubled": np.isnan(served.features).sum() > np.isnan(answered.features).sum(),
        "unknown_ids": 0.02 < (lines.item < 0).mean() < 0.04,
        "events_late": 0.3 < (lines.late_seconds > 21_600).mean() < 0.7,
        "prices_up": np.nanmean(shop.items.price[lines.item]) > 1.2 * np.nanmean(shop.items.price[was.item]),
        "volume_halved": 0.3 < len(lines.at) / len(was.at) < 0.7,
        "new_users_flood": len(set(lines.user) - set(was.user)) > 0.2 * len(set(was.user)),
    }
    assert changed[name]
    assert (np.diff(lines.at) >= 0).all()
    assert columns


def test_a_shops_nights_are_judged_with_and_without_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_month, "NIGHTS", 5)
    monkeypatch.setattr(planting, "DRIFTS", {"unknown_ids": planting.unknown_ids})
    params = DriftParams(reference_weeks=4)
    quiet = drift_month.one((1500, 60), 1, params, planted=0)
    assert (quiet.nights, quiet.false) == (5, 0)
    drifting = drift_month.one((1500, 60), 1, params, planted=1)
    assert drifting.planted["unknown_ids"][0] == 1
    quiet.add(drifting)
    assert (quiet.nights, quiet.planted) == (5, drifting.planted)


@pytest.mark.parametrize(("found", "of"), [(0, 1008), (3, 500), (10, 100)])
def test_the_upper_bound_is_the_rate_that_gives_so_few_one_time_in_twenty(found: int, of: int) -> None:
    assert stats.binom.cdf(found, of, drift_month.upper95(found, of)) == pytest.approx(0.05)
