"""Choosing a generator's settings on validation carved from train: a few that matter by default, more with --tune."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.yardstick.carving import carve, some_users
from benchmarks.yardstick.ranking import best_lists, figures
from benchmarks.yardstick.settings import Ladder, Update, params_of
from benchmarks.yardstick.split import Split
from nextpick.errors import NextPickError
from nextpick.models.candidates import KINDS
from nextpick.tuning.space import Span

USERS = 4000  # to judge a setting by; where one carving has fewer, there are several
_CARVINGS = 4  # at most

Value = Callable[[Update], float]
Say = Callable[[str], None]


def carvings(split: Split, seed: int) -> list[Split]:
    """So many that their users are USERS in all, or _CARVINGS; none of them without users, so none where nobody has two
    items.

    Each is of other users where items are held back at random. Where last ones are, it is of all: what others did
    meanwhile is not known at the end of a history.
    """
    ends = split.timing != "none" and split.cut != "random"
    first = carve(split, seed, None if ends else 0)
    n = min(_CARVINGS, -(-USERS // max(len(first.users), 1)))
    others = (carve(split, seed + i, None if ends else i) for i in range(1, n))
    return [carved for carved in (first, *others) if len(carved.users)]


def valued(kind: str, carved: Sequence[Split], k: int, seed: int, say: Say) -> Value:
    """A function of settings: the mean of recall@k and ndcg@k over the carvings; remembers what it was asked."""
    known: dict[str, float] = {}

    def value(update: Update) -> float:
        key = repr(sorted(update.items()))
        if key not in known:
            known[key] = float(np.mean([_one(kind, update, split, k, seed) for split in carved]))
            say(f"{kind} {known[key]:.4f} {dict(update)}")
        return known[key]

    return value


def _one(kind: str, update: Update, split: Split, k: int, seed: int) -> float:
    generator = KINDS[kind].fit(split.train, params_of({kind: update}, split.timing))
    users = some_users(split, USERS, seed)
    lists = best_lists(lambda rows: generator.scores(split.train, rows), split, users, k)
    means = figures(lists, split.test, users, k)
    return (means[f"recall@{k}"] + means[f"ndcg@{k}"]) / 2


def settle(value: Value, start: Update, ladders: Mapping[str, Ladder], enough: Callable[[], bool]) -> dict[str, Any]:
    """Climb up or down each setting's ladder from `start` while it helps, twice round; ends early when `enough`.

    What the generator refuses is worth nothing.
    """
    chosen, best = dict(start), -1.0
    for _ in range(2):
        before = dict(chosen)
        for name, ladder in ladders.items():
            for way in (1, -1):
                for step in _steps(ladder, chosen[name], way):
                    if enough():
                        return chosen
                    best = best if best >= 0 else _or_nothing(value, chosen)
                    if (worth := _or_nothing(value, {**chosen, name: step})) <= best:
                        break
                    chosen, best = {**chosen, name: step}, worth
        if chosen == before:
            break
    return chosen


def _steps(ladder: Ladder, at: Any, way: int) -> list[Any]:
    """What comes after a value on its ladder, or before it, nearest first."""
    if at in ladder:
        place = ladder.index(at)
        return list(ladder[place + 1 :]) if way > 0 else list(ladder[:place][::-1])
    return sorted(step for step in ladder if step > at) if way > 0 else sorted(s for s in ladder if s < at)[::-1]


def tune(
    value: Value, start: Update, spans: Mapping[str, Span], enough: Callable[[], bool], seed: int
) -> dict[str, Any]:
    """Optuna's TPE from `start`, until `enough`: the best settings met."""
    import optuna  # it takes a second, and only --tune needs it

    from nextpick.tuning.study import drawn

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    best, highest = dict(start), _or_nothing(value, start)
    while not enough():
        trial = study.ask()
        asked = {**start, **{name: drawn(trial, name, span.around(start[name])) for name, span in spans.items()}}
        worth = _or_nothing(value, asked)
        study.tell(trial, worth)
        if worth > highest:
            best, highest = asked, worth
    return best


def _or_nothing(value: Value, update: Update) -> float:
    try:
        return value(update)
    except (NextPickError, ValueError):
        return -1.0
