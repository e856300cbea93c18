"""The month that the benchmark simulates is a shop's, what it plants is what it says, and its bound is exact."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks import drift_month
from benchmarks.yardstick import planting
from benchmarks.yardstick import trade as numbers
from benchmarks.yardstick.ledger import Books, Ledger
from benchmarks.yardstick.offers import LIST, NAMES
from benchmarks.yardstick.trade import BEGINNING, US_PER_DAY, Trade, basket_sizes, trade
from benchmarks.yardstick.watch import alarms, night, shop
from nextpick.data.online_retail import PURCHASE, convert
from nextpick.drift.windows import DAY as ONE_DAY
from nextpick.params import DriftParams

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample" / "online_retail.parquet"
DAY = 15  # a Tuesday


@pytest.fixture(scope="module")
def made() -> Trade:
    return trade(days=35, lines_a_day=3000, answers_a_day=300, seed=3)


@pytest.fixture(scope="module")
def sample() -> pd.DataFrame:
    """The purchases of the sample, with their day."""
    events = convert(pd.read_parquet(SAMPLE)).events
    bought = events[events["kind"] == PURCHASE].sort_values("occurred_at", ignore_index=True)
    return bought.assign(day=bought["occurred_at"].dt.floor("D"))


def test_lines_come_in_order_on_their_days_and_never_on_a_saturday(made: Trade) -> None:
    for day, (lines, served) in enumerate(zip(made.lines, made.served, strict=True)):
        for at in (lines.at, served.at):
            assert (np.diff(at) >= 0).all()
            assert set(at // US_PER_DAY) <= {day}
            assert (len(at) == 0) == (day % 7 == 5)


def test_weekdays_and_baskets_are_the_samples(sample: pd.DataFrame) -> None:
    lines = sample.groupby("day").size()
    weekdays = lines.groupby(pd.DatetimeIndex(lines.index).dayofweek).mean()
    assert numbers.WEEKDAYS[weekdays.index] == pytest.approx((weekdays / weekdays.mean()).to_numpy(), abs=0.01)
    assert numbers.WEEKDAYS[numbers.WEEKDAYS > 0].mean() == pytest.approx(1.0, abs=0.01)
    baskets = sample.groupby([sample["user_id"], sample["day"]]).size()
    assert np.quantile(baskets, numbers.SHARES) == pytest.approx(numbers.BASKETS, rel=0.03)
    drawn = basket_sizes(np.random.default_rng(0), 100_000)
    assert drawn.mean() == pytest.approx(numbers.BASKET, rel=0.02)
    assert drawn.mean() == pytest.approx(baskets.mean(), rel=0.06)


def test_the_tail_of_popularity_is_the_samples(made: Trade, sample: pd.DataFrame) -> None:
    times = pd.date_range("2011-03-01", "2011-10-31", freq="28D", tz="UTC")
    real = np.array([tail(sample["item_id"][sample["day"].between(t, t + 27 * ONE_DAY)]) for t in times])
    found = tail(pd.Series(np.concatenate([lines.item for lines in made.lines[7:35]])))
    assert (found > 0.85 * real.min(axis=0)).all()
    assert (found < 1.15 * real.max(axis=0)).all()


def tail(items: pd.Series) -> np.ndarray:
    """The shares of the most popular hundredth, tenth and fifth of the items."""
    shares = items.value_counts(normalize=True).to_numpy()
    return np.array([shares[: len(shares) // part].sum() for part in (100, 10, 5)])


@pytest.mark.parametrize("name", planting.DRIFTS)
def test_what_is_planted_is_there_and_its_day_is_still_in_order(made: Trade, name: str) -> None:
    lines, served, columns = planting.DRIFTS[name](np.random.default_rng(1), made, DAY)
    was, answered = made.lines[DAY], made.served[DAY]
    changed = {
        "popularity_doubled": made.popularity[DAY][lines.item].sum() > 1.3 * made.popularity[DAY][was.item].sum(),
        "category_lost": len(set(made.items.category[lines.item])) == len(set(made.items.category[was.item])) - 1,
        "feature_dead": sum(np.ptp(column) == 0 for column in served.features.reshape(-1, len(NAMES)).T) == 1,
        "nulls_doubled": np.isnan(served.features).sum() > np.isnan(answered.features).sum(),
        "unknown_ids": 0.02 < (lines.item < 0).mean() < 0.04,
        "events_late": 0.2 < (lines.late_seconds > 21_600).mean() < 0.5,
        "prices_up": np.nanmean(made.items.price[lines.item]) > 1.2 * np.nanmean(made.items.price[was.item]),
        "volume_halved": 0.3 < len(lines.at) / len(was.at) < 0.7,
        "new_users_flood": len(set(lines.user) - set(was.user)) > 0.2 * len(set(was.user)),
        "coverage_halved": len(np.unique(served.items)) == len(np.unique(answered.items)) // 2,
        "answers_taken_halved": 0.35 < taken_share(made, 40) < 0.65,
        "feature_skewed": 0.05 < served.raced.mean() < 0.15,
    }
    assert changed[name]
    assert (np.diff(lines.at) >= 0).all()
    assert columns


def taken_share(made: Trade, times: int) -> float:
    """How many of the answers that were taken still are, when the same day drifts so many times."""
    followed = made.served[DAY].followed.sum()
    rngs = map(np.random.default_rng, range(times))
    return float(np.mean([planting.answers_taken_halved(rng, made, DAY)[1].followed.sum() / followed for rng in rngs]))


@pytest.mark.parametrize("name", ["", "coverage_halved"])
def test_a_list_never_shows_an_item_twice(made: Trade, name: str) -> None:
    served = planting.DRIFTS[name](np.random.default_rng(1), made, DAY)[1] if name else made.served[DAY]
    assert all(len(set(items)) == LIST for items in served.items.tolist())


def test_an_event_is_known_when_it_has_come_in(made: Trade) -> None:
    day, noon = 15, 12 * ONE_DAY / 24
    early = Ledger(Books(made), BEGINNING + 16 * ONE_DAY, {})
    lines = made.lines[day]
    at_noon = Ledger(Books(made), BEGINNING + day * ONE_DAY + ONE_DAY + noon, {})
    assert at_noon.newest_event(None, at_noon.now) is not None
    here = lines.at + lines.late_seconds * 1e6 < 16 * US_PER_DAY
    events = early.read_arrived(None, since=BEGINNING + day * ONE_DAY, before=early.now)
    assert len(events) == here.sum()
    assert early.live_events(None, BEGINNING + day * ONE_DAY, early.now) == here.sum()
    popular = early.popularity(None, (), BEGINNING + day * ONE_DAY, early.now)
    assert sum(popular.values()) == (here & lines.bought).sum()


def test_a_shops_nights_are_judged_with_and_without_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_month, "NIGHTS", 5)
    monkeypatch.setattr(planting, "DRIFTS", {"unknown_ids": planting.unknown_ids})
    params = DriftParams(reference_weeks=4)
    tally = drift_month.one((1500, 150), 1, params, planted=1)
    assert (tally.nights, tally.false, len(tally.rows)) == (5, 0, 1)
    assert tally.planted["unknown_ids"][0] == 1
    tally.add(drift_month.one((1500, 150), 2, params, planted=0))
    assert (tally.nights, tally.planted["unknown_ids"][0]) == (10, 1)


def test_a_night_has_two_reports_of_everything_that_is_watched_and_the_first_tells_the_second_nothing() -> None:
    one = shop((3000, 400), 3, 5, DriftParams())
    days = [day for day in range(one.first_night, one.first_night + 3) if one.open_days[day]]
    early, late = reversed(night(one, days[-1], {}, night(one, days[-2], {}, [])))
    assert (late.as_of - early.as_of).total_seconds() == 7200
    assert [m.value for m in early.metrics] == [m.value for m in late.metrics]
    assert {m.column_name for m in late.metrics} >= {
        "interactions", "active_users", "live_events", "unknown_items", "new_user", "new_item", "lateness_log",
        "answers_taken", "online_ndcg", "list_coverage", "list_popularity", "list_churn",
        "served_features", "served_score", "served_source", *(f"served_{name}" for name in NAMES),
    }  # fmt: skip
    assert all(m.nights == n.nights for m, n in zip(early.metrics, late.metrics, strict=True))
    assert alarms([]) == set()


@pytest.mark.parametrize(("found", "of"), [(0, 1008), (3, 500), (10, 100)])
def test_the_upper_bound_is_the_rate_that_gives_so_few_one_time_in_twenty(found: int, of: int) -> None:
    assert stats.binom.cdf(found, of, drift_month.upper95(found, of)) == pytest.approx(0.05)


def test_a_worker_whose_parent_was_killed_ends() -> None:
    worker = "from benchmarks.drift_month import end_with; import os, sys, time; end_with(os.getppid(), 0.01)"
    parent = f"""
import subprocess, sys
code = {worker!r} + "; print(os.getpid(), flush=True); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code]).wait()
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.kill()
        assert process.stdout.read() == ""  # its end comes when nobody can write to it any more


def test_the_last_line_is_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    tally = drift_month.Tally(nights=28, false=1, rows=[4800, 5200], planted={"unknown_ids": [2, 2, 1]})
    monkeypatch.setattr(drift_month, "run", lambda *_: tally)
    assert drift_month.main(["--nights", "28", "--planted", "2"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["false_alarms_per_100_nights"] == pytest.approx(3.571)
    assert (told["planted"], told["found"], told["found_first_night"], told["rows"]) == (2, 2, 1, [4800, 5000, 5200])
