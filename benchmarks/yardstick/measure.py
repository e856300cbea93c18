"""One line of the yardstick: choose settings on train, fit on all of train, rank, measure."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.yardstick.carving import narrowed
from benchmarks.yardstick.choice import carvings, settle, tune, valued
from benchmarks.yardstick.isolated import peak_mb
from benchmarks.yardstick.ranking import Scores, best_lists, figures
from benchmarks.yardstick.settings import SEED, Update, grown, ladders_of, params_of, spans_of, start_of
from benchmarks.yardstick.split import Split, read_split
from nextpick.models.candidates import KINDS

DENSE_ITEMS = 10_000  # of so many EASE's inverse costs no more than the others' fit


@dataclass(frozen=True)
class Job:
    """What to measure. `settled` are the settings that earlier lines chose, by model; the pool starts from them."""

    model: str
    train: Path
    test: Path
    negatives: Path | None
    k: int
    choose_seconds: float
    tune_seconds: float
    max_gb: float
    settled: Mapping[str, Update] = field(default_factory=dict)


def measure(job: Job) -> dict[str, Any]:
    """The line of a generator: its figures, CPU seconds of fit and score, peak memory, parameters.

    Its `params` are all settings of the kind, as chosen.
    """
    split = read_split(job.train, job.test, job.negatives)
    chosen = choose(job.model, split, job)
    started = time.process_time()
    params = params_of({job.model: chosen}, split.timing, job.max_gb)
    generator = KINDS[job.model].fit(split.train, params)
    fitted = time.process_time()
    line = ranked(job.model, lambda rows: generator.scores(split.train, rows), split, job.k)
    line |= {"fit_cpu_s": round(fitted - started, 2), "peak_mb": round(peak_mb())}
    return {**line, "params": dict(chosen)}


def choose(kind: str, split: Split, job: Job) -> Update:
    """Settings of a kind of generator, by validation within train."""
    ladders, start = ladders_of(kind, split), start_of(kind, split.timing)
    if not ladders:
        return start
    carved = carvings(split, SEED)
    if kind == "ease" and split.train.n_items > DENSE_ITEMS:  # one inverse of all takes the time there is
        carved = [few for part in carved if len((few := narrowed(part, DENSE_ITEMS)).users)]
    if not carved:
        tell(f"{kind} has nothing to choose by, as nothing can be held back, and starts as it is")
        return start
    value = valued(kind, carved, job.k, SEED, tell)
    enough = spent(job.choose_seconds, 1.5 * job.choose_seconds)
    chosen = settle(value, start, ladders, enough)
    chosen = grown(kind, chosen) if enough() else chosen
    if job.tune_seconds:
        chosen = tune(value, chosen, spans_of(kind, split), spent(2 * job.tune_seconds, job.tune_seconds), SEED)
    tell(f"{kind} chose {chosen}")
    return chosen


def ranked(model: str, scores: Scores, split: Split, k: int) -> dict[str, Any]:
    """The figures on the test, of all its users, and what they cost."""
    tell(f"{model} ranks the test's {len(split.users)} users")
    started = time.process_time()
    lists = best_lists(scores, split, split.users, k)
    cost = time.process_time() - started
    means = {name: round(mean, 5) for name, mean in figures(lists, split.test, split.users, k).items()}
    return {"model": model, **means, "score_cpu_s": round(cost, 2)}


def spent(cpu_seconds: float, seconds: float) -> Callable[[], bool]:
    """Whether this process has had so much CPU time since now, or so much time has passed.

    CPU time comes first, so that a busy machine chooses as an idle one does.
    """
    cpu, end = time.process_time() + cpu_seconds, time.monotonic() + seconds
    return lambda: time.process_time() >= cpu or time.monotonic() >= end


def tell(what: str) -> None:
    """Progress, on stderr."""
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)
