"""What drift comes to is said beside what became of the answers, and a retraining is asked for where that helps."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from nextpick.drift.harm import harm, retrain

NIGHT = datetime(2025, 11, 12, 5, tzinfo=UTC)


@dataclass(frozen=True)
class One:
    kind: str | None
    verdict: str


MOVED, BROKEN, HURT = One("distribution", "alarm"), One("contract", "broken"), One("outcome", "alarm")
FINE, UNKNOWN = One("outcome", "ok"), One("outcome", "too_few_rows")


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
        ([One(None, "warn")], [FINE], "drift, no harm"),
    ],
)
def test_drift_is_joined_to_harm(alarms: list[One], others: list[One], said: str) -> None:
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
    harmed: str, alarms: list[One], requested: datetime | None, answer: str
) -> None:
    assert retrain(harmed, alarms, NIGHT, requested, 7) == answer  # type: ignore[arg-type]
