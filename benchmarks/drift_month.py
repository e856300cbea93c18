"""How often does drift cry wolf, and does it see what is planted on the first night?

    python benchmarks/drift_month.py                1,008 nights without drift, and 270 on which some was planted
    python benchmarks/drift_month.py --nights 4000 --seed 7

Shops of four sizes trade for months at random (benchmarks/yardstick/trade.py): weekdays differ, Saturdays have none,
lines come in baskets, popularity has a heavy tail, users come in clusters. Four weeks of nights of each go through the
functions that the DAG drift_report calls: events and served features become columns, and are judged against the same
weekdays of the weeks before. A night is a false alarm where anything alarms: at once, or as a warning that persists.
Into shops of some 5,000 lines a day drift is planted, a day of it before the first night, two before the second. The
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
from datetime import timedelta
from functools import cached_property
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, Python finds what lies beside it only
    sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from scipy import stats  # noqa: E402

from benchmarks.yardstick import planting  # noqa: E402
from benchmarks.yardstick.trade import (  # noqa: E402
    DAY,
    LONG_AGO,
    NAMES,
    NOBODY,
    US_PER_DAY,
    Answer,
    Lines,
    Served,
    Trade,
    answers,
    frame,
    moment,
    trade,
)
from nextpick.drift.columns import POPULARITY_DAYS, Rate, Traffic, fitting  # noqa: E402
from nextpick.drift.observed import observe  # noqa: E402
from nextpick.drift.served import served_columns  # noqa: E402
from nextpick.drift.verdict import Judgement, Measure, Silence, judge, persistent  # noqa: E402
from nextpick.drift.windows import Window  # noqa: E402
from nextpick.params import DriftParams, load_params  # noqa: E402
from nextpick.stages.progress import bar  # noqa: E402

NIGHTS = 28  # of each shop
SIZES = ((1000, 120), (2500, 300), (5000, 600), (8000, 900))  # lines and answers a day
PLANTED = 5000  # lines a day
TRIES = 3  # nights until drift that was planted counts as missed


@dataclass
class Shop:
    """A trade with its parameters, and what of it has been made into events."""

    trade: Trade
    params: DriftParams
    first_night: int

    @cached_property
    def names(self) -> pd.api.extensions.ExtensionArray:
        return pd.array([f"item{i}" for i in range(len(self.trade.items.born))] + ["ghost"], dtype="str")

    @cached_property
    def catalogue(self) -> pd.DataFrame:
        items = self.trade.items
        categories = [[f"category{number}"] for number in items.category]
        return pd.DataFrame({"item_id": self.names[:-1], "price": items.price, "categories": categories})

    @cached_property
    def days(self) -> list[pd.DataFrame]:
        return [frame(lines, self.names) for lines in self.trade.lines]

    @cached_property
    def events(self) -> pd.DataFrame:
        return pd.concat(self.days, ignore_index=True)

    @cached_property
    def first_seen(self) -> pd.Series:
        """By number of the user, microseconds."""
        start = moment(0).timestamp() * 1e6
        first = pd.concat([pd.Series(start + lines.at, index=lines.user) for lines in self.trade.lines])
        first = first[~first.index.duplicated()]
        return first.mask(first.index < self.trade.users, LONG_AGO)

    @cached_property
    def begins(self) -> np.ndarray:
        """Where each day's events begin, and one more."""
        return np.cumsum([0] + [len(day) for day in self.days])

    @cached_property
    def answers(self) -> list[list[Answer]]:
        return [answers(served) for served in self.trade.served]


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


def night(shop: Shop, day: int, drifted: dict[int, tuple[Lines, Served]]) -> Judgement:
    """The judgement of the night after a day, some days replaced by what drifted."""
    last = max(d for d in range(day + 1) if len(shop.days[d]))
    newest = drifted[last][0] if last in drifted else shop.trade.lines[last]
    end = moment(int(newest.at[-1]) + 1)
    traffic = _traffic(shop, last, drifted)
    chosen = fitting(traffic, end, shop.params)
    seen = observe(traffic, chosen)
    spans = (chosen.current, *chosen.weeks)
    served = [answer for span in spans for answer in _answered(shop, span, drifted)]
    columns = [*seen.columns, *served_columns(served, {1: NAMES}, chosen)]
    live = [_live(shop, day - 7 * week, drifted) for week in range(shop.params.reference_weeks + 1)]
    taken = [_taken(shop, span, drifted) for span in spans]
    rates = [*seen.rates, Rate("taken", "outcome", taken[0], tuple(taken[1:]), "down")]
    return judge(columns, seen.volume, Silence(live[0], tuple(live[1:])), shop.params, rates, seen.numbers)


def _traffic(shop: Shop, last: int, drifted: dict[int, tuple[Lines, Served]]) -> Traffic:
    first = max(0, last - shop.params.window_days - 7 * shop.params.reference_weeks - POPULARITY_DAYS)
    changed = [day for day in range(first, last + 1) if day in drifted]
    until = changed[0] if changed else last + 1
    kept = shop.events.iloc[shop.begins[first] : shop.begins[until]]
    parts = [frame(drifted[d][0], shop.names) if d in drifted else shop.days[d] for d in range(until, last + 1)]
    events = pd.concat([kept, *parts], ignore_index=True) if parts else kept
    return Traffic(events, frozenset({"purchase"}), shop.catalogue, _first_users(shop, drifted), _first_items(shop))


def _first_users(shop: Shop, drifted: dict[int, tuple[Lines, Served]]) -> pd.Series:
    """Customers of old were there long ago; others since their first event here."""
    start = moment(0).timestamp() * 1e6
    first = pd.Series(shop.first_seen, dtype="float64")
    for day in sorted(drifted):
        lines = drifted[day][0]
        new = np.unique(lines.user[lines.user >= NOBODY])
        first = pd.concat([first, pd.Series(start + day * US_PER_DAY, index=new)])
    first = first[~first.index.duplicated()]
    return first.set_axis(pd.Index(first.index.astype(str), dtype="str"))


def _first_items(shop: Shop) -> pd.Series:
    start = moment(0).timestamp() * 1e6
    born = np.where(shop.trade.items.born < 0, LONG_AGO, start + shop.trade.items.born * US_PER_DAY)
    return pd.Series(np.append(born, LONG_AGO).astype(np.int64), index=pd.Index(shop.names))


def _days(span: Window) -> range:
    start, end = ((edge - moment(0)) // DAY for edge in (span[0], span[1] - timedelta(microseconds=1)))
    return range(max(0, start), end + 1)


def _answered(shop: Shop, span: Window, drifted: dict[int, tuple[Lines, Served]]) -> list[Answer]:
    found = [answers(drifted[day][1]) if day in drifted else shop.answers[day] for day in _days(span)]
    return [answer for day in found for answer in day if span[0] <= answer.answered_at < span[1]]


def _taken(shop: Shop, span: Window, drifted: dict[int, tuple[Lines, Served]]) -> tuple[int, int]:
    """Answers of the days of a window that led to a purchase, of all."""
    days = [
        drifted[day][1] if day in drifted else shop.trade.served[day] for day in _days(span)[-shop.params.window_days :]
    ]
    return sum(day.taken for day in days), sum(len(day.at) for day in days)


def _live(shop: Shop, day: int, drifted: dict[int, tuple[Lines, Served]]) -> int:
    return len(drifted[day][0].at) if day in drifted else len(shop.trade.lines[day].at)


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
    drifted: dict[int, tuple[Lines, Served]] = {}
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
        before.insert(0, found.measures)
    return TRIES


def shop(size: tuple[int, int], seed: int, params: DriftParams) -> Shop:
    """A shop with a past long enough for its first night."""
    first = POPULARITY_DAYS + params.window_days + 7 * params.reference_weeks
    return Shop(trade(first + NIGHTS, *size, seed), params, first)


def one(size: tuple[int, int], seed: int, params: DriftParams, planted: int) -> Tally:
    """All nights of one shop, the undrifted ones if nothing is to be planted."""
    made = shop(size, seed, params)
    return drifting(made, planted, seed) if planted else quiet(made)


def upper95(found: int, of: int) -> float:
    """Clopper and Pearson, Biometrika 26, 1934: one-sided."""
    return float(stats.beta.ppf(0.95, found + 1, of - found)) if found < of else 1.0


def run(nights: int, planted: int, seed: int, jobs: int, params: DriftParams) -> Tally:
    """All shops, in so many processes."""
    total = Tally()
    quiets = [(SIZES[i % len(SIZES)], 0) for i in range(-(-nights // NIGHTS))]
    drifts = [(SIZES[2], min(3, planted - 3 * i)) for i in range(-(-planted // 3))]
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
