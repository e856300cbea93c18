"""A verdict: not for small shifts, not for chance, not for the days off; but for what moved, lacks, or stays away."""

from pathlib import Path

import numpy as np
import pytest

from nextpick.drift.columns import Column, Direction, Number, Rate, amount
from nextpick.drift.verdict import Judgement, Silence, judge
from nextpick.params import DriftParams, load_params

PARAMS = DriftParams()
WEEKS = 8
USUAL = [5000] * (WEEKS + 1)
LIVE = Silence(900, (900,) * WEEKS)
BULK = Silence(0, (0,) * WEEKS)
ROOT = Path(__file__).resolve().parents[3]


def number(current: np.ndarray, name: str = "price_log", weeks: int = WEEKS, seed: int = 0) -> Column:
    rng = np.random.default_rng(seed)
    return Column(name, "number", current, tuple(rng.normal(size=5000) for _ in range(weeks)))


def normal(n: int = 5000, shift: float = 0.0, seed: int = 99) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1, n)


def category(current: list[str], weeks: int = WEEKS) -> Column:
    usual = np.array(["view"] * 700 + ["cart"] * 200 + ["buy"] * 100, object)
    return Column("kind", "category", np.array(current, object), (usual,) * weeks)


def verdict(
    *columns: Column,
    volume: list[int] = USUAL,
    silence: Silence = LIVE,
    rates: tuple[Rate, ...] = (),
    numbers: tuple[Number, ...] = (),
) -> Judgement:
    return judge(columns, amount("interactions", volume), silence, PARAMS, rates, numbers)


def alarms(judgement: Judgement) -> set[tuple[str, str]]:
    return {(measure.column_name, measure.statistic) for measure in judgement.alarms}


def test_a_night_like_the_others_is_ok_and_says_nothing() -> None:
    found = verdict(number(normal()), category(["view"] * 700 + ["cart"] * 200 + ["buy"] * 100))
    assert (found.verdict, found.reasons) == ("ok", ())


def test_a_large_shift_is_an_alarm_that_says_how_far_how_sure_and_on_how_many_rows() -> None:
    found = verdict(number(normal(shift=0.7)))
    assert found.verdict == "alarm"
    assert alarms(found) == {("price_log", "psi"), ("price_log", "ks")}
    (reason,) = found.reasons
    assert reason.startswith("price_log: psi 0.4")
    assert "(alarm above 0.100, chance explains 0.0" in reason
    assert reason.endswith("n = 5,000 against 40,000.")


def test_a_smaller_shift_is_a_warning_that_says_it_is_no_alarm_yet() -> None:
    found = verdict(number(normal(shift=0.2)))
    assert (found.verdict, found.alarms) == ("warn", ())
    (reason,) = found.reasons
    assert reason.startswith("price_log: ks 0.0")
    assert reason.endswith("n = 5,000 against 40,000; no alarm yet.")


def test_a_shift_of_a_fiftieth_of_a_deviation_is_none_however_many_rows_show_it() -> None:
    rng = np.random.default_rng(1)
    column = Column("x", "number", rng.normal(0.02, 1, 100_000), tuple(rng.normal(size=100_000) for _ in range(4)))
    assert verdict(column).verdict == "ok"


def test_a_shift_no_larger_than_those_between_weeks_is_none() -> None:
    rng = np.random.default_rng(2)
    restless = tuple(rng.normal(rng.normal(0, 0.5), 1, 5000) for _ in range(WEEKS))
    assert verdict(Column("x", "number", normal(shift=0.5), restless)).verdict == "ok"
    assert verdict(number(normal(shift=0.5))).verdict == "alarm"  # among quieter weeks it is one


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (["view"] * 780 + ["cart"] * 215 + ["buy"] * 5, "broken"),  # a kind is lost, but for the evening before
        (["view"] * 700 + ["cart"] * 200 + ["gift"] * 100, "broken"),  # another has taken its place
        (["view"] * 700 + ["cart"] * 200 + ["buy"] * 100 + ["gift"] * 200, "alarm"),  # there is one more
        (["view"] * 690 + ["cart"] * 205 + ["buy"] * 105, "ok"),
    ],
)
def test_a_category_that_is_lost_is_broken_and_a_new_one_an_alarm(now: list[str], found: str) -> None:
    assert verdict(category(now)).verdict == found


def test_a_category_that_is_gone_is_told_though_baskets_move_the_mix_of_the_others_as_far() -> None:
    def baskets(seed: int, names: str) -> np.ndarray:
        rng = np.random.default_rng(seed)
        share = np.array([5.0, 4, 3, 2, 1.5, 1])[: len(names)]
        mood = share * rng.lognormal(0, 0.3, len(names))  # no week is like another
        lines = np.repeat(rng.choice([*names], 240, p=mood / mood.sum()), rng.geometric(1 / 21, 240))
        other = rng.choice([*names], len(lines), p=share / share.sum())
        return np.where(rng.random(len(lines)) < 0.5, lines, other).astype("object")

    weeks = tuple(baskets(seed, "abcdef") for seed in range(WEEKS))
    found = verdict(Column("category", "category", baskets(9, "abcde"), weeks))
    assert ("category", "lost") in alarms(found)
    assert ("category", "js") not in alarms(found)
    assert found.reasons[0].startswith("category: what 6.3 of 100 rows were is gone, or nearly; ")
    assert verdict(Column("category", "category", baskets(9, "abcdef"), weeks)).verdict == "ok"


def test_a_number_that_is_one_and_the_same_is_an_alarm() -> None:
    assert verdict(number(np.zeros(5000))).verdict == "alarm"


@pytest.mark.parametrize(("n", "weeks", "silence"), [(99, WEEKS, BULK), (5000, 3, BULK), (99, WEEKS, LIVE)])
def test_too_few_rows_are_not_called_ok(n: int, weeks: int, silence: Silence) -> None:
    found = verdict(number(normal(n, shift=5), weeks=weeks), volume=[n, *[5000] * 3], silence=silence)
    assert found.verdict == "too_few_rows"
    assert [measure.value for measure in found.measures if measure.statistic != "silence"] == [None, None]
    assert found.reasons == ("Not judged, for want of 100 rows now and in 4 reference weeks: interactions, price_log.",)


def test_a_column_with_too_few_rows_does_not_hide_the_verdict_of_the_others() -> None:
    assert verdict(number(normal(10), "small"), number(normal())).verdict == "ok"
    assert verdict(number(normal(10), "small"), number(normal(shift=1))).verdict == "alarm"


def test_the_features_of_answers_not_yet_many_enough_are_counted_and_not_listed() -> None:
    found = verdict(*(number(normal(10), f"served_{i}") for i in range(20)), number(normal()))
    assert found.reasons[0].endswith("reference weeks: 20 columns of served answers.")


def test_values_that_are_missing_now_are_broken() -> None:
    gaps = normal()
    gaps[:500] = np.nan
    found = verdict(number(gaps))
    assert (found.verdict, alarms(found)) == ("broken", {("price_log", "missing")})
    assert "missing in 10.0 of 100 rows more than before" in found.reasons[0]


def test_values_that_were_always_missing_are_not_news() -> None:
    def holed(seed: int) -> np.ndarray:
        return np.where(np.random.default_rng(seed).random(5000) < 0.3, np.nan, normal(seed=seed))

    assert verdict(Column("x", "number", holed(0), tuple(map(holed, range(1, 9))))).verdict == "ok"


def test_twice_the_gaps_are_broken_and_half_as_many_are_none() -> None:
    def holed(share: float, seed: int) -> np.ndarray:
        return np.where(np.random.default_rng(seed).random(5000) < share, np.nan, normal(seed=seed))

    weeks = tuple(holed(0.06, seed) for seed in range(1, 9))
    assert alarms(verdict(Column("x", "number", holed(0.12, 9), weeks))) == {("x", "missing")}
    assert verdict(Column("x", "number", holed(0.03, 9), weeks)).verdict == "ok"


@pytest.mark.parametrize(
    ("now", "found"), [(1200, "broken"), (2500, "broken"), (3600, "ok"), (6900, "ok"), (15_000, "warn"), (0, "broken")]
)
def test_much_less_traffic_is_broken_and_much_more_is_a_warning(now: int, found: str) -> None:
    assert verdict(volume=[now, *[5000] * WEEKS]).verdict == found


def test_weeks_the_shop_was_closed_are_no_yardstick() -> None:
    assert verdict(volume=[5000, 0, 3, *[5000] * 6]).verdict == "ok"


def test_other_nights_tell_how_restless_volume_is() -> None:
    rng = np.random.default_rng(7)
    weeks, *others = ([int(n) for n in 5000 * 2 ** rng.normal(0, 0.15, WEEKS)] for _ in range(6))
    saturdays = [12, 30, 5, 9, 14, 2, 40, 7]
    alone = judge((), amount("interactions", [2400, *weeks]), LIVE, PARAMS)
    among = judge((), amount("interactions", [2400, *weeks], *others, saturdays), LIVE, PARAMS)
    floors = [found.measures[0].noise_floor or 0 for found in (alone, among)]
    assert floors[1] < floors[0]
    assert among.verdict == "broken"


def shares(now: int, before: int, bad: Direction = "both", n: int = 2000) -> Rate:
    wobble = [before + change for change in (-6, 3, 0, 8, -2, 5, -7, 1)]
    return Rate("taken", "outcome", (now, n), tuple((some, n) for some in wobble), bad)


@pytest.mark.parametrize(
    ("now", "before", "bad", "found"),
    [
        (60, 160, "down", "alarm"),
        (160, 60, "down", "ok"),  # more is no harm
        (160, 60, "both", "alarm"),
        (150, 160, "down", "ok"),
        (100, 160, "down", "warn"),
    ],
)
def test_a_share_alarms_where_it_moves_to_its_bad_side(now: int, before: int, bad: Direction, found: str) -> None:
    judged = verdict(rates=(shares(now, before, bad),))
    assert judged.verdict == found
    (measure,) = (measure for measure in judged.measures if measure.column_name == "taken")
    assert measure.value == pytest.approx((now - before) / 2000, abs=0.001)
    assert (measure.kind, measure.verdict) == ("outcome", found)


def test_the_bars_of_a_share_are_shown_as_it_is_and_said_in_words() -> None:
    (reason,) = verdict(rates=(shares(60, 160, "down"),)).reasons
    assert reason.startswith("taken: 5.0 of 100 fewer than before (alarm above 3.6, chance explains ")


def test_an_id_that_no_catalogue_knew_before_is_broken_once_there_are_several() -> None:
    def unknown(now: int) -> str:
        rate = Rate("unknown_items", "contract", (now, 5000), ((0, 5000),) * WEEKS, "up")
        return verdict(rates=(rate,)).verdict

    assert [unknown(now) for now in (0, 10, 40, 100)] == ["ok", "ok", "warn", "broken"]


def test_a_share_of_too_few_is_not_judged() -> None:
    found = verdict(rates=(shares(2, 16, n=99),))
    assert [measure.verdict for measure in found.measures if measure.column_name == "taken"] == ["too_few_rows"]


@pytest.mark.parametrize(
    ("now", "found"), [(0.3, "ok"), (0.19, "alarm"), (0.5, "alarm"), (0.0, "alarm"), (None, "too_few_rows")]
)
def test_a_number_alarms_by_how_many_times_it_is_the_usual_one(now: float | None, found: str) -> None:
    coverage = Number("coverage", "distribution", now, (0.3, 0.31, None, 0.29, 0.3, 0.32, 0.3, 0.28))
    measures = {measure.column_name: measure for measure in verdict(numbers=(coverage,)).measures}
    assert measures["coverage"].verdict == found


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ((900,) * 8, "broken"),
        ((900,) * 7 + (0,), "broken"),  # one of them was a holiday
        ((0,) * 8, "ok"),  # a weekday that never has any
        ((0, 900) * 4, "ok"),
    ],
)
def test_a_day_without_events_is_broken_where_that_weekday_always_had_some(before: tuple[int, ...], found: str) -> None:
    assert verdict(silence=Silence(0, before)).verdict == found


def test_a_closed_day_after_a_silent_one_is_as_silent() -> None:
    assert verdict(silence=Silence(0, (0,) * 8, ((900,) * 8,))).verdict == "broken"
    assert verdict(silence=Silence(0, (0,) * 8, ((0,) * 8,))).verdict == "ok"


def test_the_worst_comes_first() -> None:
    gaps = np.append(normal(shift=0.5)[500:], np.full(500, np.nan))
    found = verdict(number(normal(shift=0.5), "a"), number(normal(shift=2), "b"), number(gaps, "c"))
    assert [(m.column_name, m.verdict) for m in found.measures[:2]] == [("c", "broken"), ("b", "alarm")]
    assert found.verdict == "broken"
    assert [reason.split(":")[0] for reason in found.reasons] == ["c", "b", "a"]


def test_a_threshold_is_the_larger_of_what_matters_and_what_chance_explains() -> None:
    measures = verdict(number(normal()), category(["view"] * 5000)).measures
    for measure in measures:
        if measure.statistic in ("psi", "ks", "js"):
            assert measure.threshold == max(PARAMS.effect[measure.statistic], measure.noise_floor)


def test_chance_explains_more_of_a_smaller_sample() -> None:
    def floor(n: int) -> float:
        return next(m.noise_floor or 0 for m in verdict(number(normal(n))).measures if m.statistic == "psi")

    assert floor(500) > 8 * floor(5000)
    assert floor(50_000) == floor(5000)  # restlessness does not shrink with the sample


def test_the_chance_that_columns_of_many_rows_do_not_need_is_left_to_the_others() -> None:
    def floor(n: int) -> float:
        others = [number(normal(n, seed=i), f"x{i}", seed=i) for i in range(40)]
        weeks = tuple(np.random.default_rng(i).normal(size=n) for i in range(WEEKS))
        noisy = [Column(f"y{i}", "number", normal(n, seed=50 + i), weeks) for i in range(40)] if n < 5000 else []
        few = Column("few", "number", normal(300, seed=98), tuple(normal(300, seed=i) for i in range(WEEKS)))
        measures = verdict(few, *others, *noisy).measures
        return next(m.noise_floor or 0 for m in measures if (m.column_name, m.statistic) == ("few", "psi"))

    assert floor(5000) < 0.8 * floor(300)


def test_undrifted_nights_alarm_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(3)
    nights = [
        verdict(
            *(
                Column(str(i), "number", rng.lognormal(size=400), tuple(rng.lognormal(size=400) for _ in range(WEEKS)))
                for i in range(10)
            )
        ).verdict
        for _ in range(60)
    ]
    assert nights.count("ok") >= 59


def test_the_shipped_parameters_are_those_a_bundle_without_any_is_read_with() -> None:
    assert load_params(ROOT / "params.yaml").drift == PARAMS
