"""What is measured: of nights that share their weeks no more than these say, of a feature that it is dead, of whom."""

import numpy as np
import pytest

from nextpick.drift.columns import Column, Direction, Number, Rate, amount
from nextpick.drift.measures import of_column, of_number, of_rate
from nextpick.drift.statistics import noise_floor
from nextpick.drift.verdict import Silence, judge
from nextpick.params import DriftParams

PARAMS = DriftParams()
RNG = np.random.default_rng(0)
WEEKS = tuple(float(round(5000 * mood)) for mood in RNG.lognormal(0, 0.2, 8))


def floor(number: Number) -> float:
    found = of_number(number, PARAMS)
    return noise_floor(found.undrifted, 0.001, 2, found.freedom, found.means)


def test_nights_as_odd_as_their_weeks_make_no_bar_lower_and_others_do() -> None:
    def volume(*others: tuple[float, ...]) -> Number:
        return Number("interactions", "volume", 5000.0, WEEKS, statistic="volume", other_nights=others)

    own = [tuple(float(round(5000 * mood)) for mood in RNG.lognormal(0, 0.2, 8)) for _ in range(5)]
    assert floor(volume(*[WEEKS] * 5)) == pytest.approx(floor(volume()))
    assert floor(volume(*own)) < 0.9 * floor(volume())


def test_the_same_holds_for_shares() -> None:
    weeks = tuple((round(500 * mood), 5000) for mood in RNG.lognormal(0, 0.1, 8))
    found = of_rate(Rate("new_user", "distribution", (500, 5000), weeks, other_nights=(weeks, weeks)), PARAMS)
    assert len(found.undrifted) - found.means == pytest.approx(7)


def test_a_night_on_which_a_week_was_closed_is_counted_by_the_others() -> None:
    night = (0.0, *WEEKS[1:])
    found = of_number(Number("n", "volume", 5000.0, WEEKS, statistic="volume", other_nights=(night,)), PARAMS)
    assert len(found.undrifted) == 15
    assert 0 < found.means < 15


def test_a_volumes_chance_is_asked_on_both_sides_though_it_alarms_on_one() -> None:
    counts = [5000, *map(int, WEEKS)]
    found = of_number(amount("interactions", counts), PARAMS)
    (measure,) = judge([], amount("interactions", counts), Silence(0, ()), PARAMS).measures
    chance = 0.25 * PARAMS.false_alarms_per_night  # real trade alarms more than it should as it is
    assert measure.noise_floor == pytest.approx(noise_floor(found.undrifted, chance, 2, found.freedom))


@pytest.mark.parametrize(("bad", "sides"), [("both", 2), ("up", 1), ("down", 1)])
def test_what_alarms_on_one_side_takes_all_of_its_chance_there(bad: Direction, sides: int) -> None:
    rate = Rate("taken", "outcome", (40, 500), ((50, 500),) * 8, bad)
    assert (
        of_rate(rate, PARAMS).sides == of_number(Number("ndcg", "outcome", 0.4, (0.5,) * 8, bad), PARAMS).sides == sides
    )


def test_a_feature_gone_dead_is_told_though_weeks_differ_in_all_their_values_as_far() -> None:
    def restless(name: str, seed: int) -> Column:
        rng = np.random.default_rng(seed)
        return Column(
            name, "number", np.zeros(5000), tuple(rng.normal(3 * mood, 1, 5000) for mood in rng.normal(size=8))
        )

    found = {it.statistic: it for it in of_column(restless("served_x", 1), PARAMS)}
    lost = found["lost"]
    assert (lost.kind, lost.value, lost.base) == ("contract", -1.0, 1.0)
    judged = judge([restless("served_x", 1)], amount("n", [5000] * 9), Silence(0, ()), PARAMS)
    assert {measure.statistic for measure in judged.alarms} == {"lost"}
    assert "lost" not in {it.statistic for it in of_column(restless("hour", 1), PARAMS)}  # an hour's sale is no fault


@pytest.mark.parametrize(("rows", "least"), [(5000, 50), (500, 40)])
def test_a_category_whose_weeks_differ_by_nearly_half_of_it_is_told_to_be_gone(rows: int, least: int) -> None:
    rng = np.random.default_rng(3)

    def week(share: float) -> np.ndarray:
        return np.where(rng.random(rows) < share, "a", "b").astype("object")

    found = 0
    for _ in range(50):
        weeks = tuple(week(share) for share in 0.12 * rng.gamma(6, 1 / 6, 8))
        column = Column("category", "category", week(0), weeks)
        alarms = judge([column], amount("n", [5000] * 9), Silence(0, ()), PARAMS).alarms
        found += "lost" in {alarm.statistic for alarm in alarms}
    assert found >= least


def test_a_category_that_comes_and_goes_is_measured_and_not_called_lost() -> None:
    rng = np.random.default_rng(4)

    def week(share: float) -> np.ndarray:
        return np.where(rng.random(5000) < share, "a", "b").astype("object")

    measured = 0
    for _ in range(50):  # on sale in half of the weeks, and not in this one
        weeks = tuple(week(0.1 * on) for on in rng.permutation([0, 0, 0, 0, 1, 1, 1, 1]))
        column = Column("category", "category", week(0), weeks)
        judged = judge([column], amount("n", [5000] * 9), Silence(0, ()), PARAMS)
        (lost,) = (measure for measure in judged.measures if measure.statistic == "lost")
        measured += lost.value is not None
        assert lost.verdict == "ok"
    assert measured == 50


def test_what_is_hardly_ever_there_is_not_lost() -> None:
    def week(rows: int) -> np.ndarray:
        return np.array(["a"] * rows + ["b"] * (500 - rows), dtype="object")

    for weeks in ([15] * 8, [0] * 7 + [400]):  # 9 rows of 300 are a basket; one week's sale is over
        (now, *before) = (week(0)[:300], *map(week, weeks))
        column = Column("category", "category", now, tuple(before))
        judged = judge([column], amount("n", [5000] * 9), Silence(0, ()), PARAMS)
        assert "lost" not in {alarm.statistic for alarm in judged.alarms}


def test_a_feature_that_seldom_has_another_value_is_not_dead_without_it() -> None:
    weeks = tuple((np.arange(5000) % 100 == 0).astype(float) for _ in range(8))
    judged = judge(
        [Column("served_x", "number", np.zeros(5000), weeks)], amount("n", [5000] * 9), Silence(0, ()), PARAMS
    )
    assert judged.verdict == "ok"
