"""Which days are compared with which: the current days, and the same weekdays of the weeks before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

Window = tuple[datetime, datetime]  # half-open, UTC
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Windows:
    """The current window and the reference's, one a week, newest first, all of the same length and weekdays."""

    current: Window
    weeks: tuple[Window, ...]

    @property
    def reference(self) -> Window:
        """From the oldest reference week's start to the newest one's end; the days between may not all be used."""
        return self.weeks[-1][0], self.weeks[0][1]

    @property
    def other_nights(self) -> tuple[tuple[Window, ...], ...]:
        """The reference weeks as other nights of the same weeks would have them, where no day is in two of them."""
        length = self.current[1] - self.current[0]
        back = (length * i for i in range(1, WEEK // length))
        return tuple(tuple((start - days, end - days) for start, end in self.weeks) for days in back)


def windows(end: datetime, days: int, weeks: int, trained_until: datetime | None = None) -> Windows:
    """The last `days` (1 to 7) before `end`, and the same weekdays of `weeks` earlier weeks.

    Where a model's training data end earlier, the reference lies before that: drift is counted from what the model
    learnt, so it adds up while no new model goes live.
    """
    start = end - timedelta(days=days)
    limit = start if trained_until is None else min(start, trained_until)
    back = -(-(end - limit) // WEEK)  # whole weeks, rounded up, until the window ends by the limit
    return Windows((start, end), tuple((start - WEEK * i, end - WEEK * i) for i in range(back, back + weeks)))
