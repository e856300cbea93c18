"""The statistics are what their sources say, see planted shifts, and do not see harmless ones or baskets."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from scipy.spatial.distance import jensenshannon

from nextpick.drift import statistics as s

counts = arrays.arrays(np.int64, 6, elements=st.integers(0, 500)).filter(lambda a: a.sum() > 0)
numbers = arrays.arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6))


def test_psi_is_the_sum_over_bins_of_the_shares_difference_times_their_log_ratio() -> None:
    r, c = (50.5 / 101, 50.5 / 101), (25.5 / 101, 75.5 / 101)  # half a count added to each bin
    expected = sum((b - a) * math.log(b / a) for a, b in zip(r, c, strict=True))
    assert s.psi(np.array([50, 50]), np.array([25, 75])) == pytest.approx(expected)


@given(counts, counts)
def test_psi_is_symmetric_and_never_negative(a: np.ndarray, b: np.ndarray) -> None:
    assert s.psi(a, b) == pytest.approx(s.psi(b, a))
    assert s.psi(a, b) >= 0


@given(counts)
def test_samples_that_are_alike_are_at_distance_zero(a: np.ndarray) -> None:
    assert (s.psi(a, a), s.ks(a, a)) == (0, 0)
    assert s.js(a, a) == pytest.approx(0, abs=1e-7)


@given(counts, counts)
def test_js_is_scipys_distance_to_base_2(a: np.ndarray, b: np.ndarray) -> None:
    assert s.js(a, b) == pytest.approx(jensenshannon(a, b, base=2), abs=1e-6)


def test_js_of_samples_with_nothing_in_common_is_one() -> None:
    assert s.js(np.array([9, 0]), np.array([0, 4])) == pytest.approx(1)


@given(numbers, numbers)
def test_ks_is_the_largest_gap_between_the_distribution_functions(a: np.ndarray, b: np.ndarray) -> None:
    gaps = [abs(np.mean(a <= x) - np.mean(b <= x)) for x in [*a, *b]]
    assert s.numbers_ks(a, b) == pytest.approx(max(gaps))


def test_ks_is_scipys_d() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=300), rng.normal(0.2, size=200)
    assert s.numbers_ks(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)


@given(numbers, numbers)
def test_every_number_is_in_one_bin(a: np.ndarray, b: np.ndarray) -> None:
    edges = s.number_bins(a)
    assert s.count_numbers(a, edges).sum() == len(a)
    assert s.count_numbers(b, edges).sum() == len(b)


def test_psi_of_numbers_does_not_change_with_their_scale() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(0, 2, 4000), rng.lognormal(0.3, 2, 900)
    assert s.numbers_psi(np.log1p(a), np.log1p(b)) == pytest.approx(s.numbers_psi(a, b))


def test_rare_and_unheard_of_categories_are_counted_as_one() -> None:
    categories = s.category_bins(np.array(["a"] * 500 + ["b"] * 495 + ["c"] * 5, object))
    assert categories.tolist() == ["a", "b"]
    assert s.count_categories(np.array(["b", "c", "d", "a", "a"], object), categories).tolist() == [2, 1, 2]


@pytest.mark.parametrize("factor", [2, 3])
def test_a_popularity_that_doubled_is_seen_in_its_heavy_tail_at_5000_rows(factor: int) -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.lognormal(0, 1.5, 40_000), factor * rng.lognormal(0, 1.5, 5_000)
    assert s.numbers_psi(reference, current) > 0.1
    assert s.numbers_ks(reference, current) > 0.1


def test_a_hundredth_of_a_shift_at_100000_rows_is_certain_and_small() -> None:
    rng = np.random.default_rng(3)
    reference, current = rng.normal(size=100_000), rng.normal(0.02, 1, 100_000)
    assert stats.ks_2samp(reference, current, method="asymp").pvalue < 0.05  # what a p-value would wake somebody for
    assert s.numbers_psi(reference, current) < 0.01
    assert s.numbers_ks(reference, current) < 0.03


@pytest.mark.parametrize("chance", [0.1, 0.01])
@pytest.mark.parametrize("freedom", [1, 5])
def test_the_noise_floor_is_exceeded_as_rarely_as_it_promises(chance: float, freedom: int) -> None:
    rng = np.random.default_rng(4)
    nights = rng.normal(size=(20_000, 9, freedom))  # eight weeks, and a ninth that has not drifted either
    weeks, tonight = nights[:, :8], nights[:, 8] - nights[:, :8].mean(axis=1)
    apart = ((weeks - (weeks.sum(axis=1, keepdims=True) - weeks) / 7) ** 2).sum(axis=2)
    floors = np.array([s.noise_floor(night, chance, freedom=freedom) for night in apart])
    assert np.mean((tonight**2).sum(axis=1) > floors) == pytest.approx(chance, rel=0.2)


@given(st.floats(1e-4, 0.5), st.floats(1, 9))
def test_the_chance_beyond_a_noise_floor_is_the_one_it_was_made_for(chance: float, freedom: float) -> None:
    weeks = [0.1, 0.3, 0.2, 0.4, 0.1, 0.2]
    floor = s.noise_floor(weeks, chance, power=2, freedom=freedom, means=2)
    assert s.chance_beyond(floor, weeks, power=2, freedom=freedom, means=2) == pytest.approx(chance, rel=1e-4)


def test_weeks_differ_in_as_many_directions_as_their_rows_or_along_one_line() -> None:
    rng = np.random.default_rng(6)
    edges = stats.norm.ppf(np.arange(1, 10) / 10)
    rows = [s.directions(rng.multinomial(800, np.full(10, 0.1), 8)) for _ in range(50)]
    moods = [
        s.directions(np.stack([s.count_numbers(rng.normal(mood, 1, 4000), edges) for mood in rng.normal(0, 0.4, 8)]))
        for _ in range(50)
    ]
    assert np.median(rows) > 7
    assert np.median(moods) < 2
    assert s.directions(np.array([[5, 5, 0], [6, 4, 0], [4, 6, 0]])) == 1


def fashions(rng: np.random.Generator, slow: float, bins: int = 10) -> np.ndarray:
    """Rows of nine weeks, newest first, each near the week before, or all near one middle where `slow` is 0."""
    own, steps = rng.normal(0, 0.1, (9, bins)), rng.normal(0, slow, (9, bins))
    moods = np.exp(own + np.cumsum(steps, axis=0))[::-1]
    return np.stack([rng.multinomial(5000, mood / mood.sum()) for mood in moods])


def test_a_week_after_all_others_is_farther_from_them_where_fashion_is_slow() -> None:
    rng = np.random.default_rng(7)
    none, slow = ([s.ahead(fashions(rng, by)[1:]) for _ in range(60)] for by in (0.0, 0.3))
    assert np.median(none) == pytest.approx(1, abs=0.05)
    assert np.median(slow) == pytest.approx(1.8, abs=0.1)
    assert s.ahead(np.tile([5, 7], (8, 1))) == 1


def test_slow_fashion_raises_no_more_alarms_than_promised() -> None:
    rng = np.random.default_rng(8)
    far = np.zeros((300, 2))
    for night in far:
        current, *weeks = fashions(rng, 0.4)
        total, free = np.sum(weeks, axis=0), 0.5 * s.directions(np.array(weeks))
        floor = s.noise_floor([s.psi(total - week, week) for week in weeks], 0.05, freedom=max(1.0, free))
        night[:] = s.psi(total, current) / floor
        night[1] /= s.ahead(np.array(weeks))
    among, ahead = (far > 1).mean(axis=0)
    assert among > 0.1
    assert ahead < 0.06


def test_nights_of_the_same_weeks_say_the_less_the_more_alike_they_are() -> None:
    rng = np.random.default_rng(9)
    nights = rng.normal(size=(6, 40))
    assert s.independent(np.vstack([nights[0]] * 6)) == pytest.approx(1)
    assert s.independent(nights) == pytest.approx(6, abs=0.5)
    assert 1.5 < s.independent(nights + 1.5 * rng.normal(size=40)) < 3
    assert s.independent(nights[:1]) == 1
    nights[2, 3] = np.nan
    assert s.independent(nights) > 5


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_share_that_shifted_is_found_by_its_shift(before: float, now: float) -> None:
    assert s.shifted(before, s.shift(before, now)) == pytest.approx(now, abs=1e-9)


def test_cohens_h_is_as_in_his_table() -> None:
    assert s.shift(0.05, 0.2) == pytest.approx(0.927 - 0.451, abs=0.001)  # phi of 20 % and of 5 %


@given(arrays.arrays(np.float64, st.integers(1, 3000), elements=st.floats(0, 100, width=16)))
def test_a_grid_holds_every_value_or_as_many_as_matter(values: np.ndarray) -> None:
    points, distinct = s.grid(values), np.unique(values)
    if len(distinct) <= s.GRID:
        assert points.tolist() == distinct.tolist()
    else:
        assert len(points) <= s.GRID
        assert set(points) <= set(distinct)


def test_the_noise_floor_of_a_distance_is_that_of_its_square() -> None:
    assert s.noise_floor([0.1, 0.2, 0.3], 0.05, power=2) == pytest.approx(
        math.sqrt(s.noise_floor([0.01, 0.04, 0.09], 0.05))
    )


def baskets(rng: np.random.Generator, count: int) -> np.ndarray:
    """Hours of lines that come in baskets of about twenty, all at one hour."""
    return np.repeat(rng.integers(8, 18, count), rng.geometric(1 / 20, count)).astype(np.float64)


def test_lines_that_come_in_baskets_raise_no_alarm_where_counting_them_one_by_one_would() -> None:
    rng = np.random.default_rng(5)
    alarms = naive = 0
    for _ in range(150):
        *weeks, current = (baskets(rng, 60) for _ in range(9))
        found = s.compare_numbers(current, weeks)["psi"]
        alarms += found.value > s.noise_floor(found.undrifted, 0.01)
        n, m = len(current), sum(map(len, weeks))
        naive += found.value > stats.chi2.ppf(0.99, s.BINS - 1) * (1 / n + 1 / m)
    assert alarms <= 3
    assert naive > 100


def test_each_week_is_compared_with_the_others() -> None:
    weeks = [np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 9.0]), np.array([4.0, 5.0])]
    found = s.compare_numbers(np.array([2.0]), weeks)["ks"]
    others = [np.concatenate([w for w in weeks if w is not week]) for week in weeks]
    assert found.undrifted == pytest.approx(
        [stats.ks_2samp(o, w, method="asymp").statistic for o, w in zip(others, weeks, strict=True)]
    )
    assert found.value == pytest.approx(stats.ks_2samp(np.concatenate(weeks), [2.0], method="asymp").statistic)
