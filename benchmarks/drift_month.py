"""How often does drift cry wolf, and does it see what is planted on the first night?

    python benchmarks/drift_month.py                1,008 nights without drift, and 270 on which some was planted
    python benchmarks/drift_month.py --nights 4000 --seed 7

Shops of four sizes trade for months at random (benchmarks/yardstick/trade.py): weekdays differ, Saturdays have none,
lines come in baskets, popularity has a heavy tail, users come in clusters. Four weeks of nights of each go through the
functions that the DAG drift_report calls: events and served features become columns, and are judged against the same
weekdays of the weeks before. A night is a false alarm where anything alarms: at once, or as a warning that persists.
Into shops of some 5,000 lines a night drift is planted, a day of it before the first night, two before the second. The
last line is JSON:

    {"nights": .., "false_alarms_per_100_nights": .., "upper95": ..,
     "planted": .., "found": .., "found_first_night": ..,
     "by_drift": {"popularity_doubled": [planted, found, found_first_night], ..}, "warned_nights": .., "seconds": ..}

upper95      the rate that would have given so few false alarms on one such run of 20 (Clopper and Pearson, exact)
found        alarms on the column that drifted, by the third night
warned_nights  nights without drift that warn, which is no alarm unless it persists
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from scipy import stats  # noqa: E402

from benchmarks.yardstick import planting  # noqa: E402
from benchmarks.yardstick.watch import Drifted, Shop, night, shop  # noqa: E402
from nextpick.drift.measure import Measure  # noqa: E402
from nextpick.drift.verdict import persistent  # noqa: E402
from nextpick.params import DriftParams, load_params  # noqa: E402
from nextpick.stages.progress import bar  # noqa: E402

NIGHTS = 28  # of each shop
SIZES = ((1000, 120), (2500, 300), (5000, 600), (8000, 900))  # lines and answers a day
PLANTED = (5600, 600)  # so that the quietest weekdays have some 5,000 lines
TRIES = 3  # nights until drift that was planted counts as missed


@dataclass
class Tally:
    """What came of some nights."""

    nights: int = 0
    false: int = 0
    warned: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    planted: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.nights += other.nights
        self.false += other.false
        self.warned += other.warned
        self.columns += other.columns
        for name, counts in other.planted.items():
            self.planted[name] = [a + b for a, b in zip(self.planted.get(name, [0, 0, 0]), counts, strict=True)]


def quiet(shop: Shop) -> Tally:
    """Nights without drift."""
    tally, before = Tally(), list[tuple[Measure, ...]]()
    for day in range(shop.first_night, shop.first_night + NIGHTS):
        found = night(shop, day, {})
        alarms = [*found.alarms, *persistent(found.measures, before)]
        if len(shop.days[day]):  # else it looked at what the night before had looked at
            before.insert(0, found.measures)
        tally.nights += 1
        tally.false += bool(alarms)
        tally.warned += found.verdict == "warn"
        tally.columns += Counter({f"{alarm.column_name}.{alarm.statistic}" for alarm in alarms})
    return tally


def drifting(shop: Shop, nights: int, seed: int) -> Tally:
    """Nights on each of which some drift begins, one kind after the other."""
    rng = np.random.default_rng(seed)
    tally = Tally()
    days = [d for d in range(shop.first_night, shop.first_night + NIGHTS - TRIES) if len(shop.days[d])]
    for name, plant in planting.DRIFTS.items():
        counts = [0, 0, 0]
        for day in rng.choice(days, nights, replace=False).tolist():
            found = _found(shop, day, plant, int(rng.integers(2**32)))
            counts = [counts[0] + 1, counts[1] + (found < TRIES), counts[2] + (found == 0)]
        tally.planted[name] = counts
    return tally


def _found(shop: Shop, begins: int, plant: planting.Plant, seed: int) -> int:
    """Nights that passed before the one that alarmed on the column that drifted; TRIES if none did."""
    drifted: Drifted = {}
    before: list[tuple[Measure, ...]] = []
    for tried in range(TRIES):
        day = begins + tried
        rng = np.random.default_rng(seed)  # what was lost stays lost
        lines, served, names = plant(rng, shop.trade, day)
        drifted[day] = lines, served
        found = night(shop, day, drifted)
        alarms = {measure.column_name for measure in (*found.alarms, *persistent(found.measures, before))}
        if alarms & names:
            return tried
        if len(shop.days[day]):  # else it looked at what the night before had looked at
            before.insert(0, found.measures)
    return TRIES


def one(size: tuple[int, int], seed: int, params: DriftParams, planted: int) -> Tally:
    """All nights of one shop, the undrifted ones if nothing is to be planted."""
    made = shop(size, NIGHTS, seed, params)
    return drifting(made, planted, seed) if planted else quiet(made)


def upper95(found: int, of: int) -> float:
    """Clopper and Pearson, Biometrika 26, 1934: one-sided."""
    return float(stats.beta.ppf(0.95, found + 1, of - found)) if found < of else 1.0


def run(nights: int, planted: int, seed: int, jobs: int, params: DriftParams) -> Tally:
    """All shops, in so many processes."""
    total = Tally()
    quiets = [(SIZES[i % len(SIZES)], 0) for i in range(-(-nights // NIGHTS))]
    drifts = [(PLANTED, min(3, planted - 3 * i)) for i in range(-(-planted // 3))]
    with ProcessPoolExecutor(jobs) as pool, bar("drift_month", "shops") as advance:
        tasks = [
            pool.submit(one, size, seed * 1000 + i, params, some) for i, (size, some) in enumerate([*drifts, *quiets])
        ]
        for done, task in enumerate(as_completed(tasks), 1):
            total.add(task.result())
            advance(done / len(tasks), 1, f"{total.false} false alarms on {total.nights} nights")
    return total


def main(arguments: list[str] | None = None) -> int:
    """Trade, judge, count."""
    asked = _asked(arguments)
    started = time.perf_counter()
    params = load_params(ROOT / "params.yaml").drift
    total = run(asked.nights, asked.planted, asked.seed, asked.jobs, params)
    for name, times in total.columns.most_common():
        print(f"{name:>40}  a false alarm on {times} nights", file=sys.stderr)
    sums = [sum(counts) for counts in zip(*total.planted.values(), strict=True)] or [0, 0, 0]
    told = {
        "nights": total.nights,
        "false_alarms_per_100_nights": round(100 * total.false / total.nights, 3),
        "upper95": round(100 * upper95(total.false, total.nights), 3),
        "planted": sums[0],
        "found": sums[1],
        "found_first_night": sums[2],
        "by_drift": total.planted,
        "warned_nights": total.warned,
        "seconds": round(time.perf_counter() - started, 1),
    }
    print(json.dumps(told))
    return 0


def _asked(arguments: list[str] | None) -> argparse.Namespace:
    """The command line. Raises: SystemExit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=1008, help="without drift, in full months (default: %(default)s)")
    parser.add_argument("--planted", type=int, default=30, help="nights for each kind of drift (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the dice (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: as many as cores)")
    asked = parser.parse_args(arguments)
    for name in ("nights", "planted", "jobs"):
        if getattr(asked, name) < 1:
            parser.error(f"--{name} is at least 1, and is {getattr(asked, name)}.")
    return asked


if __name__ == "__main__":
    raise SystemExit(main())
