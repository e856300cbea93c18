"""What every benchmark shares: CPU time, cases in turn, median and spread, one line of JSON last.

The machines that run these are shared and noisy: wall time of one job moved by five times while its CPU time
moved by a tenth. So a benchmark compares cases within one run, in turn, by the CPU seconds of this process and of
its finished children, and its verdict is a ratio of medians.
"""

import json
import os
import statistics
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """CPU seconds of one case, one number a repeat, in the order they ran."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> float:
        """(max - min) / median: how far to trust the median."""
        return (max(self.seconds) - min(self.seconds)) / self.median if self.median else 0.0


def cpu_seconds() -> float:
    """CPU seconds, user and system, of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def alternate(
    cases: Mapping[str, Callable[[], object]], *, repeats: int = 7, at_least_seconds: float = 0.2
) -> dict[str, Timing]:
    """Time the cases in turn (a b c, a b c, ...), after one untimed round; at least 5 repeats.

    A case too quick for the clock (ticks of 10 ms on some systems) is looped until one repeat takes
    `at_least_seconds`; the seconds returned are of one call.
    """
    if repeats < 5:
        raise ValueError(f"{repeats} repeats say too little about noise; ask for 5 or more.")
    loops = {name: _loops_for(case, at_least_seconds) for name, case in cases.items()}
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(repeats):
        for name, case in cases.items():
            start = cpu_seconds()
            for _ in range(loops[name]):
                case()
            seconds[name].append((cpu_seconds() - start) / loops[name])
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def _loops_for(case: Callable[[], object], at_least_seconds: float) -> int:
    case()  # caches, lazy imports and compilers are warm before anything is timed
    loops = 1
    while True:
        start = cpu_seconds()
        for _ in range(loops):
            case()
        if (used := cpu_seconds() - start) >= at_least_seconds:
            return loops
        loops = max(loops + 1, int(loops * min(10.0, 1.2 * at_least_seconds / max(used, 1e-3))))


def ratio(timings: Mapping[str, Timing], of: str, to: str) -> float:
    """CPU of one case over CPU of another: below 1, the first is cheaper."""
    return timings[of].median / timings[to].median


def report(timings: Mapping[str, Timing], **figures: object) -> None:
    """A line a case for people, on stderr; then the figures as one line of JSON, the last of stdout."""
    for name, timing in timings.items():
        line = f"{name:>24}  {timing.median * 1e3:10.3f} ms CPU  spread {timing.spread:6.1%}"
        print(line, file=sys.stderr)
    spreads = {f"{name}_spread": round(timing.spread, 3) for name, timing in timings.items()}
    print(json.dumps({**figures, **spreads, "repeats": len(next(iter(timings.values())).seconds)}))
