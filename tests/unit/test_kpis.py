"""Intervals and the sample ratio agree with an independent library, and with what was promised at the edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from nextpick import kpis
from nextpick.kpis import SUSPECT, Arm, per_answer, sample_ratio, share


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_share_has_wilsons_interval(counts: tuple[int, int]) -> None:
    taken, answers = counts
    found = share(taken, answers)
    wanted = stats.binomtest(taken, answers).proportion_ci(0.95, method="wilson")
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((taken / answers, wanted.low, wanted.high), abs=1e-9)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_revenue_an_answer_has_the_interval_of_its_mean() -> None:
    paid = np.concatenate([np.zeros(900), np.random.default_rng(1).lognormal(3, 1, 100)])
    found = per_answer(paid.sum(), (paid**2).sum(), len(paid))
    low, high = stats.norm.interval(0.95, loc=paid.mean(), scale=stats.sem(paid))
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((paid.mean(), low, high))


def test_95_of_100_intervals_of_revenue_hold_the_truth() -> None:
    rng, held = np.random.default_rng(2), 0
    for _ in range(400):
        paid = rng.exponential(10, 1000) * (rng.random(1000) < 0.2)
        found = per_answer(paid.sum(), (paid**2).sum(), 1000)
        held += found is not None and found.low <= 2.0 <= found.high
    assert 368 <= held <= 392  # 380, and three standard deviations of chance


@pytest.mark.parametrize(("taken", "answers"), [(0, 0), (5, 0)])
def test_without_answers_there_is_no_share(taken: int, answers: int) -> None:
    assert share(taken, answers) is None


def test_one_answer_says_nothing_of_spread() -> None:
    assert per_answer(5.0, 25.0, 1) is None
    found = per_answer(3e9, 3e18, 3)
    assert found is not None
    assert found.low == found.high == 1e9


@given(st.lists(st.integers(50, 10**6), min_size=2, max_size=5))
def test_the_sample_ratio_is_pearsons(users: list[int]) -> None:
    arms = [Arm(f"v{i}", (i + 1) / 20, n) for i, n in enumerate(users)]
    wanted = np.arange(1, len(users) + 1) / sum(range(1, len(users) + 1)) * sum(users)
    if wanted.min() >= 5:
        assert sample_ratio(arms) == pytest.approx(stats.chisquare(users, wanted).pvalue, abs=1e-12)


def test_a_sample_ratio_that_is_off_is_told_from_chance() -> None:
    assert (sample_ratio([Arm("a", 0.9, 90_100), Arm("b", 0.1, 9_900)]) or 0) > 0.1
    assert (sample_ratio([Arm("a", 0.9, 91_000), Arm("b", 0.1, 9_000)]) or 1) < SUSPECT


@pytest.mark.parametrize("arms", [[], [Arm("a", 1.0, 500)], [Arm("a", 0.9, 20), Arm("b", 0.1, 3)]])
def test_nothing_is_said_of_one_variant_or_of_a_handful_of_users(arms: list[Arm]) -> None:
    assert sample_ratio(arms) is None


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7])
def test_chance_beyond_a_chi_square_is_scipys(freedom: int) -> None:
    for square in (0.0, 0.1, 1.0, 3.84, 20.0, 200.0):
        assert kpis._beyond(square, freedom) == pytest.approx(stats.chi2.sf(square, freedom), rel=1e-9, abs=1e-300)
