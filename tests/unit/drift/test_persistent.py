"""A warning is an alarm once it lasts: on two nights of three, to the same side."""

import pytest

from nextpick.drift.measure import Measure, Verdict
from nextpick.drift.verdict import persistent


def measure(name: str, verdict: Verdict, value: float = 0.07, statistic: str = "psi") -> Measure:
    return Measure(name, statistic, value, 0.1, 0.05, 1000, 1000, verdict)


@pytest.mark.parametrize(
    ("before", "lasts"),
    [
        ([], False),
        (["ok", "ok"], False),
        (["warn"], True),
        (["ok", "warn"], True),
        (["alarm", "ok"], True),
        (["ok", "ok", "warn"], False),
        (["too_few_rows", "ok"], False),
    ],
)
def test_a_warning_lasts_on_two_nights_of_three(before: list[Verdict], lasts: bool) -> None:
    nights = [(measure("x", verdict, statistic="ks"),) for verdict in before]
    tonight = (measure("x", "warn"), measure("y", "warn"), measure("x", "ok"))
    assert persistent(tonight, nights) == (tonight[:1] if lasts else ())


def test_what_moves_to_and_fro_does_not_last() -> None:
    assert persistent((measure("x", "warn", 0.8),), [(measure("x", "warn", -0.8),)]) == ()
