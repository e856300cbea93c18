"""How often does drift cry wolf, and does it see what is planted on the first night?

    python -m benchmarks.drift_month                1,008 nights without drift, and 12 kinds of drift 30 times each
    python -m benchmarks.drift_month --nights 4032 --seed 7
    python -m benchmarks.drift_month --nights 112 --planted 4   a first look, a tenth of the time

Shops of four sizes trade for months at random, by what the sample's trade is like (benchmarks/yardstick/trade.py names
each number), and serve lists that are made anew every night (offers.py). On each night of four weeks of each there are
two reports, at 03:00 and 05:00, by the functions that the DAG drift_report calls, which read from what is simulated
instead of Postgres (ledger.py): events, served features, lists, what became of answers, and skew are all judged, and
the reports of the nights before say what lasts. A night is a false alarm where either report alarms, of whatever.

Into shops of some 5,000 lines a day drift is planted, from one night on, which comes after that shop's nights without:
of nights on which the report looked at 4,500 to 5,500 interactions, or the nearest to them. The last line is JSON:

    {"nights": .., "false_alarms_per_100_nights": .., "upper95": ..,
     "planted": .., "found": .., "found_first_night": ..,
     "by_drift": {"popularity_doubled": [planted, found, found_first_night], ..},
     "rows": [least, median, most], "warned_nights": .., "false": {"column": nights, ..}, "seconds": ..}

upper95        the rate that would have given so few false alarms on one such run of 20 (Clopper and Pearson, exact)
found          alarms on the column that drifted, by the third night
rows           interactions of the nights on which drift was planted, before it was
warned_nights  nights without drift that warn, which is no alarm unless it lasts
false          by what the false alarms were
"""

import argparse
import json
import os
import sys
import threading
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
from benchmarks.yardstick.ledger import Drifted  # noqa: E402
from benchmarks.yardstick.watch import Shop, alarms, night, rows, shop  # noqa: E402
from nextpick.params import DriftParams, load_params  # noqa: E402
from nextpick.stages.progress import bar  # noqa: E402
from nextpick.store.drift import Report  # noqa: E402

NIGHTS = 28  # of each shop
SIZES = ((5000, 500), (1000, 100), (2500, 250), (8000, 800))  # lines and answers on the mean open day
PLANTED = SIZES[0]
ROWS, NEAR = 5000, 500  # of a night on which drift is planted
TRIES = 3  # nights until drift that was planted counts as missed


@dataclass
class Tally:
    """What came of some nights."""

    nights: int = 0
    false: int = 0
    warned: int = 0
    rows: list[int] = field(default_factory=list)
    columns: Counter[str] = field(default_factory=Counter)
    planted: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.nights += other.nights
        self.false += other.false
        self.warned += other.warned
        self.rows += other.rows
        self.columns += other.columns
        for name, counts in other.planted.items():
            self.planted[name] = [a + b for a, b in zip(self.planted.get(name, [0, 0, 0]), counts, strict=True)]


def quiet(shop: Shop, tally: Tally) -> dict[int, list[Report]]:
    """Nights without drift: the reports of each."""
    nights: dict[int, list[Report]] = {}
    for day in range(shop.first_night, shop.first_night + NIGHTS):
        nights[day] = night(shop, day, {}, _newest_first(nights, day))
        false = alarms(nights[day])
        tally.nights += 1
        tally.false += bool(false)
        tally.warned += any(report.verdict == "warn" for report in nights[day])
        tally.columns += Counter(false)
    return nights


def drifting(shop: Shop, nights: dict[int, list[Report]], some: int, seed: int, tally: Tally) -> None:
    """Nights on each of which some drift begins, after those without, one kind after the other."""
    rng = np.random.default_rng(seed)
    days = [d for d in list(nights)[:-TRIES] if shop.open_days[d] and shop.open_days[d - 1]]
    days.sort(key=lambda day: max(NEAR, abs(rows(nights[day]) - ROWS)))
    some = min(some, len(days))  # few shops have few nights
    near = sum(abs(rows(nights[day]) - ROWS) <= NEAR for day in days)
    for name in planting.DRIFTS:
        counts = [0, 0, 0]
        for day in rng.choice(days[: max(near, some)], some, replace=False).tolist():
            found = _found(shop, nights, day, name, int(rng.integers(2**32)))
            counts = [counts[0] + 1, counts[1] + (found < TRIES), counts[2] + (found == 0)]
            tally.rows.append(rows(nights[day]))
        tally.planted[name] = counts


def _found(shop: Shop, nights: dict[int, list[Report]], begins: int, name: str, seed: int) -> int:
    """Nights that passed before the one that alarmed on the column that drifted; TRIES if none did."""
    drifted: Drifted = {}
    reports = _newest_first(nights, begins)
    for day in range(begins - (name in planting.RIPENS), begins + TRIES):
        rng = np.random.default_rng(seed)  # what was lost stays lost
        lines, served, columns = planting.DRIFTS[name](rng, shop.books.trade, day)
        drifted[day] = lines, served
        if day >= begins:
            tonight = night(shop, day, drifted, reports)
            if alarms(tonight) & columns:
                return day - begins
            reports = [*tonight, *reports]
    return TRIES


def _newest_first(nights: dict[int, list[Report]], before: int) -> list[Report]:
    return [report for day in sorted(nights, reverse=True) if before - 8 <= day < before for report in nights[day]]


def one(size: tuple[int, int], seed: int, params: DriftParams, planted: int) -> Tally:
    """All nights of one shop, those without drift first."""
    made, tally = shop(size, NIGHTS, seed, params), Tally()
    nights = quiet(made, tally)
    if planted:
        drifting(made, nights, planted, seed, tally)
    return tally


def upper95(found: int, of: int) -> float:
    """Clopper and Pearson, Biometrika 26, 1934: one-sided."""
    return float(stats.beta.ppf(0.95, found + 1, of - found)) if found < of else 1.0


def end_with(parent: int, every: float = 1.0) -> None:
    """End this process, within so many seconds, after its parent: one that is killed leaves its workers to nobody."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run(nights: int, planted: int, seed: int, jobs: int, params: DriftParams) -> Tally:
    """All shops, in so many processes."""
    total = Tally()
    sizes = [SIZES[i % len(SIZES)] for i in range(-(-nights // NIGHTS))]
    shops = sizes.count(PLANTED)  # that drift is planted into
    some = [planted // shops + (i < planted % shops) for i in range(shops)]
    asked = sorted(enumerate(sizes), key=lambda of: of[1] != PLANTED)  # those take the longest
    work = [(size, seed * 1000 + i, params, some.pop() if size == PLANTED else 0) for i, size in asked]
    with (
        ProcessPoolExecutor(jobs, initializer=end_with, initargs=(os.getpid(),)) as pool,
        bar("drift_month", "shops") as advance,
    ):
        tasks = [pool.submit(one, *each) for each in work]
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
    sums = [sum(counts) for counts in zip(*total.planted.values(), strict=True)] or [0, 0, 0]
    told = {
        "nights": total.nights,
        "false_alarms_per_100_nights": round(100 * total.false / total.nights, 3),
        "upper95": round(100 * upper95(total.false, total.nights), 3),
        "planted": sums[0],
        "found": sums[1],
        "found_first_night": sums[2],
        "by_drift": total.planted,
        "rows": [int(of) for of in np.quantile(total.rows, [0, 0.5, 1])],
        "warned_nights": total.warned,
        "false": dict(total.columns.most_common()),
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
