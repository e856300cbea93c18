"""The fused line: several generators' candidates in one order, all of it learnt within train."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.yardstick.blending import Blend, blend
from benchmarks.yardstick.carving import some_users
from benchmarks.yardstick.choice import carvings, settle, valued
from benchmarks.yardstick.isolated import peak_mb
from benchmarks.yardstick.measure import DENSE_ITEMS, Job, spent, tell
from benchmarks.yardstick.pooled import Pooled, joined, places, pool
from benchmarks.yardstick.ranking import figures
from benchmarks.yardstick.settings import LADDERS, SEED, Update, grown, ladders_of, params_of, start_of
from benchmarks.yardstick.split import Split, read_split
from nextpick.features.histories import Histories, of_users, select
from nextpick.models.candidates import KINDS
from nextpick.models.generator import Generator, Scoring

USERS = 8000  # of validation, that the sum and the trees learn from


@dataclass(frozen=True)
class Member:
    """One generator of the pool: a kind, what is not as its kind starts, the settings to climb; and of how many of a
    user's latest items it scores, where not of all.
    """

    kind: str
    start: Update
    climbed: tuple[str, ...]
    latest: int | None = None


@dataclass(frozen=True)
class OfLatest:
    """Another generator's scores of each user's `n` latest items alone."""

    generator: Generator
    n: int

    def scores(self, histories: Histories, user_rows: np.ndarray) -> np.ndarray:
        """As Generator.scores."""
        own = of_users(histories, user_rows)
        order = np.lexsort((-own.last_at, own.user_rows))
        kept = np.zeros(len(order), bool)
        kept[order] = np.arange(len(order)) - own.indptr[own.user_rows[order]] < self.n
        return self.generator.scores(select(own, kept), np.arange(len(user_rows)))


_SHARP = {"rank": 0, "sharpening": 1.5, "source_exponent": 0.9, "target_exponent": 0.4}
_NEAREST = {"rank": 0, "sharpening": 3.0, "source_exponent": 1.8, "target_exponent": 0.8}
MEMBERS = {
    "popular": Member("popular", {}, ("half_life_days",)),
    "filter": Member("linear_filter", {"rank": 0}, ("source_exponent", "target_exponent", "user_exponent")),
    "sharp": Member("linear_filter", _SHARP, ("source_exponent", "target_exponent")),
    "nearest": Member("linear_filter", _NEAREST, ()),
    "recent": Member("linear_filter", _SHARP, (), latest=5),
    "svd": Member("linear_filter", {"neighbours": 0, "rank": 512, "rank_weight": 1.0}, ("rank", "rank_exponent")),
    "als": Member("als", {}, tuple(LADDERS["als"])),
    "rp3beta": Member("rp3beta", {"beta": 0.0}, ("alpha",)),
    "ease": Member("ease", {}, ("regularization",)),
    "bought_together": Member("bought_together", {}, ("shrink",)),
}
SETTLED_ALIKE = ("als", "ease", "bought_together")  # members that are what the line of their kind is


def measure_fused(job: Job) -> dict[str, Any]:
    """The line of the pool. All is chosen on carvings, then fitted on all of train."""
    split = read_split(job.train, job.test, job.negatives)
    carved = carvings(split, SEED)
    chosen = {name: _settings(name, member, carved, split, job) for name, member in _members(split).items()}
    learnt = []
    for part in carved:
        users = some_users(part, USERS, SEED)
        learnt.append(pool(_fitted(chosen, part, job), part, users))
    mixed = blend(joined(learnt), job.k, SEED, tell) if learnt else Blend(np.ones(len(chosen)))
    started = time.process_time()
    members = _fitted(chosen, split, job)
    fitted = time.process_time()
    tell(f"fused ranks the test's {len(split.users)} users")
    lists = _lists(mixed, pool(members, split, split.users), job.k)
    means = figures(lists, split.test, split.users, job.k)
    trees = [booster.best_iteration for booster in mixed.trees]
    weights = dict(zip(chosen, np.round(mixed.weights, 4).tolist(), strict=True))
    return {
        **{name: round(mean, 5) for name, mean in means.items()},
        "fit_cpu_s": round(fitted - started, 2),
        "score_cpu_s": round(time.process_time() - fitted, 2),
        "peak_mb": round(peak_mb()),
        "params": {"weights": weights, "trees": trees, "members": {name: dict(own) for name, own in chosen.items()}},
    }


def _members(split: Split) -> Mapping[str, Member]:
    left_out = {"ease"} if split.train.n_items > DENSE_ITEMS else set()
    left_out |= {"recent"} if split.timing == "none" else set()
    left_out |= {"bought_together"} if split.timing != "time" else set()  # no sessions are told
    return {name: member for name, member in MEMBERS.items() if name not in left_out}


def _settings(name: str, member: Member, carved: list[Split], split: Split, job: Job) -> Update:
    start = {**start_of(member.kind, split.timing), **member.start}
    if name in SETTLED_ALIKE and name in job.settled:
        return job.settled[name]
    if not carved:  # nothing can be held back
        return start
    value = valued(member.kind, carved, job.k, SEED, tell)
    ladders = {name: ladder for name, ladder in ladders_of(member.kind, split).items() if name in member.climbed}
    share = job.choose_seconds * (0.5 if name == "als" else 0.5 / len(MEMBERS))
    enough = spent(share, 1.5 * share)
    chosen = settle(value, start, ladders, enough)
    return grown(member.kind, chosen) if enough() else chosen


def _fitted(chosen: Mapping[str, Update], split: Split, job: Job) -> dict[str, Scoring]:
    out: dict[str, Scoring] = {}
    for name, update in chosen.items():
        tell(f"fused fits {name}")
        kind, latest = MEMBERS[name].kind, MEMBERS[name].latest
        fitted = KINDS[kind].fit(split.train, params_of({kind: update}, split.timing, job.max_gb))
        out[name] = OfLatest(fitted, latest) if latest else fitted
    return out


def _lists(mixed: Blend, pooled: Pooled, k: int) -> np.ndarray:
    place = places(mixed.scores(pooled), pooled.groups)
    lists = np.full((len(pooled.relevant), k), -1, np.int64)
    first = place < k
    lists[pooled.groups[first], place[first]] = pooled.items[first]
    return lists
