"""Whether what moved costs anything, and what is to be done about it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from nextpick.drift.measure import Measure

Harm = Literal["no drift", "drift, no harm", "drift with harm", "drift, harm unknown", "harm without drift"]
Retrain = Literal["requested", "cooling_down", "held_back", "not_needed"]


def harm(measures: Iterable[Measure], alarms: Iterable[Measure]) -> Harm:
    """What the alarms of a night come to, seen beside what became of the answers, the measures of kind `outcome`.

    An outcome alarms only where it got worse. `measures` are all of the night, its alarms with them.
    """
    hurt = moved = False
    for alarm in alarms:
        hurt, moved = hurt or alarm.kind == "outcome", moved or alarm.kind != "outcome"
    if hurt:
        return "drift with harm" if moved else "harm without drift"
    if not moved:
        return "no drift"
    known = any(measure.kind == "outcome" and measure.verdict != "too_few_rows" for measure in measures)
    return "drift, no harm" if known else "drift, harm unknown"


def retrain(
    harmed: Harm, alarms: Iterable[Measure], as_of: datetime, requested: datetime | None, cooldown_days: int
) -> Retrain:
    """Whether to ask for a retraining: where drift does harm, once in so many days, and not on data that are broken.

    `requested` is the last night before that asked for one.
    """
    if harmed != "drift with harm":
        return "not_needed"
    if any(alarm.kind == "contract" for alarm in alarms):
        return "held_back"  # a model learnt from broken data would be worse
    if requested is not None and as_of - requested < timedelta(days=cooldown_days):
        return "cooling_down"
    return "requested"
