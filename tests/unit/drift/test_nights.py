"""A night among the nights before: an alarm is one, however long it lasts or wavers, and its end is told."""

from dataclasses import dataclass

from nextpick.drift.measure import Measure, Verdict
from nextpick.drift.nights import Dated, dated, over


@dataclass(frozen=True)
class Stored:
    column_name: str
    verdict: str
    value: float | None = 0.2
    statistic: str = "psi"
    nights: int = 1
    alarm: bool = False


def measure(verdict: Verdict, column: str = "price", statistic: str = "psi") -> Measure:
    return Measure(column, statistic, 0.2, 0.1, 0.05, 1000, 1000, verdict)


def one(verdict: Verdict, *before: list[Stored]) -> Dated:
    (found,) = dated([measure(verdict)], before)
    return found


def test_nights_in_a_row_are_counted_and_begin_anew_after_one_that_was_fine() -> None:
    assert one("alarm").nights == 1
    assert one("alarm", [Stored("price", "alarm", nights=3)]).nights == 4
    assert one("warn", [Stored("price", "broken", nights=1)]).nights == 2
    assert one("alarm", [Stored("price", "ok", nights=1)], [Stored("price", "alarm", nights=5)]).nights == 1
    assert one("ok", [Stored("price", "alarm", nights=3)]).nights == 1
    assert one("alarm", [Stored("kind", "alarm", nights=3)]).nights == 1


def test_what_is_large_alarms_at_once_and_what_is_small_once_it_lasts() -> None:
    assert one("alarm").alarm
    assert one("broken").alarm
    assert not one("warn").alarm
    assert one("warn", [Stored("price", "warn")]).alarm
    assert one("warn", [Stored("price", "ok")], [Stored("price", "warn")]).alarm
    assert not one("warn", [Stored("price", "ok")], [Stored("price", "ok")], [Stored("price", "warn")]).alarm
    assert not one("ok", [Stored("price", "alarm", alarm=True)]).alarm
    assert not one("too_few_rows", [Stored("price", "alarm", alarm=True)]).alarm


def test_what_wavers_about_its_threshold_goes_on_being_one_alarm() -> None:
    assert one("warn", [Stored("price", "alarm", alarm=True)]).alarm
    assert one("warn", [Stored("price", "warn", value=-0.2, alarm=True)]).alarm


def test_it_is_over_where_no_statistic_of_the_column_moves_any_more_and_it_was_judged() -> None:
    told = [Stored("price", "alarm", alarm=True), Stored("kind", "alarm", alarm=True), Stored("hour", "alarm")]
    tonight = dated(
        [measure("ok"), measure("ok", statistic="ks"), measure("too_few_rows", "kind"), measure("warn", "hour", "ks")],
        [told],
    )
    known = ["price", "kind", "hour"]
    assert over(tonight, known) == ("price",)
    assert over(dated([measure("ok"), measure("warn", statistic="ks")], [told]), known) == ()
    assert over(dated([measure("alarm")], [told]), known) == ()


def test_a_night_that_could_not_measure_it_ends_nothing() -> None:
    alarmed = [Stored("price", "alarm", nights=3, alarm=True)]
    for between in ([Stored("price", "too_few_rows", None)], [], [Stored("kind", "ok")]):
        assert one("warn", between, alarmed) == Dated(measure("warn"), 4, alarm=True)
    assert one("warn", [Stored("price", "ok")], alarmed[:0]) == Dated(measure("warn"), 1, alarm=False)
