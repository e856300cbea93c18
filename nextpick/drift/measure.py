"""What is said of one statistic of one column on one night."""

from dataclasses import dataclass
from typing import Literal

from nextpick.drift.columns import Class

Verdict = Literal["ok", "warn", "alarm", "broken", "too_few_rows"]
ALARMS: frozenset[str] = frozenset({"alarm", "broken"})
MOVED = ALARMS | {"warn"}


@dataclass(frozen=True)
class Measure:
    """One statistic of one column. `value`, `threshold` and `noise_floor` are None where there are too few rows."""

    column_name: str
    statistic: str
    value: float | None
    threshold: float | None
    noise_floor: float | None
    reference_n: int
    current_n: int
    verdict: Verdict
    kind: Class = "distribution"

    @property
    def drifted(self) -> bool:
        """Whether this measure is an alarm the first night."""
        return self.verdict in ALARMS
