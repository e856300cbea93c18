"""What drift comes to is said beside what became of the answers, and a retraining is asked for where that helps."""

from datetime import UTC, datetime, timedelta

import pytest

from nextpick.drift.columns import Class
from nextpick.drift.harm import harm, retrain
from nextpick.drift.measure import Measure, Verdict

NIGHT = datetime(2025, 11, 12, 5, tzinfo=UTC)


def one(kind: Class, verdict: Verdict) -> Measure:
    return Measure("column", "psi", 0.2, 0.1, 0.05, 1000, 1000, verdict, kind)


MOVED, BROKEN, HURT = one("distribution", "alarm"), one("contract", "broken"), one("outcome", "alarm")
FINE, UNKNOWN = one("outcome", "ok"), one("outcome", "too_few_rows")


@pytest.mark.parametrize(
    ("alarms", "others", "said"),
    [
        ([], [FINE], "no drift"),
        ([MOVED], [FINE], "drift, no harm"),
        ([MOVED], [UNKNOWN], "drift, harm unknown"),
        ([MOVED], [], "drift, harm unknown"),
        ([MOVED, HURT], [UNKNOWN], "drift with harm"),
        ([BROKEN, HURT], [], "drift with harm"),
        ([HURT], [], "harm without drift"),
        ([one("volume", "warn")], [FINE], "drift, no harm"),
    ],
)
def test_drift_is_joined_to_harm(alarms: list[Measure], others: list[Measure], said: str) -> None:
    assert harm([*alarms, *others], alarms) == said


@pytest.mark.parametrize(
    ("harmed", "alarms", "requested", "answer"),
    [
        ("drift with harm", [MOVED, HURT], None, "requested"),
        ("drift with harm", [MOVED, HURT], NIGHT - timedelta(days=7), "requested"),
        ("drift with harm", [MOVED, HURT], NIGHT - timedelta(days=6, hours=23), "cooling_down"),
        ("drift with harm", [BROKEN, HURT], None, "held_back"),
        ("drift, no harm", [MOVED], None, "not_needed"),
        ("harm without drift", [HURT], None, "not_needed"),
    ],
)
def test_a_retraining_is_asked_for_once_in_a_while_and_never_on_broken_data(
    harmed: str, alarms: list[Measure], requested: datetime | None, answer: str
) -> None:
    assert retrain(harmed, alarms, NIGHT, requested, 7) == answer  # type: ignore[arg-type]
