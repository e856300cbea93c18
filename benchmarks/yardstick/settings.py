"""What quality.py starts from and tries, for each kind of generator. None of it was chosen on a test."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.yardstick.split import Split, Timing
from nextpick.params import GENERATORS, Params
from nextpick.schema import US_PER_DAY
from nextpick.tuning.space import GENERATORS as SPANS
from nextpick.tuning.space import Span

Update = Mapping[str, Any]
Ladder = tuple[Any, ...]
SEED = 42
FOREVER = 1e7  # days: no decay

_NEVER = {"half_life_days": FOREVER}
START: dict[str, dict[str, Any]] = {
    "popular": {**_NEVER},
    "buy_again": {**_NEVER},
    "bought_together": {**_NEVER, "neighbours": 500, "shrink": 10.0},
    "item_knn": {**_NEVER, "similarity": "cosine", "neighbours": 500, "shrink": 20.0},
    "rp3beta": {**_NEVER, "neighbours": 1500, "alpha": 0.8, "beta": 0.2},
    "ease": {**_NEVER, "neighbours": 1000, "regularization": 200.0},
    "linear_filter": {
        **_NEVER,
        "neighbours": 1500,
        "user_exponent": 0.5,
        "source_exponent": 0.6,
        "target_exponent": 0.3,
        "rank": 256,
        "rank_exponent": 0.3,
    },
    "als": {**_NEVER, "factors": 128, "alpha": 10.0, "regularization": 10.0},
    "bpr": {**_NEVER, "factors": 64, "iterations": 100},
}
"""What is tried first, where it is not the class's default."""

LADDERS: dict[str, dict[str, Ladder]] = {
    "popular": {},
    "buy_again": {},
    "bought_together": {"shrink": (0.0, 3.0, 10.0, 30.0, 100.0), "neighbours": (100, 500, 1500)},
    "item_knn": {
        "shrink": (0.0, 5.0, 20.0, 50.0, 100.0),
        "neighbours": (50, 150, 500, 1500),
        "similarity": ("cosine", "bm25"),
    },
    "rp3beta": {
        "beta": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
        "alpha": (0.5, 0.65, 0.8, 1.0, 1.2),
        "neighbours": (100, 300, 1500),
    },
    "ease": {"regularization": (20.0, 50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)},
    "linear_filter": {
        "rank_weight": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
        "rank": (32, 64, 128, 256, 512),
        "target_exponent": (0.0, 0.15, 0.3, 0.4, 0.5, 0.6),
        "source_exponent": (0.3, 0.45, 0.6, 0.75, 0.9),
        "rank_exponent": (0.15, 0.3, 0.5),
        "sharpening": (0.7, 0.85, 1.0, 1.25, 1.5),
        "user_exponent": (0.25, 0.5, 0.75, 1.0),
    },
    "als": {
        "regularization": (0.1, 1.0, 3.0, 10.0, 30.0, 100.0),
        "alpha": (1.0, 3.0, 10.0, 30.0, 100.0),
        "frequency_exponent": (0.0, 0.5, 1.0),
        "factors": (64, 128, 256, 512),
    },
    "bpr": {
        "regularization": (0.003, 0.01, 0.02, 0.03, 0.05),
        "learning_rate": (0.05, 0.1, 0.2),
        "iterations": (50, 100, 200, 400),
        "factors": (64, 128, 256),
    },
}
"""Tried by every run: steps up and down from the start, in this order."""
LEAST: dict[str, dict[str, int]] = {"als": {"factors": 256}, "bpr": {"iterations": 200}}
"""Where the time is up before the ladder of a size was climbed: sizes climb last, from small ones that fit quickly."""
EASE_GB = 6.0  # a side of 33,000, which two cores invert within ten minutes
DECAYING = ("popular", "item_knn", "rp3beta", "linear_filter", "als")


def params_of(updates: Mapping[str, Update], timing: Timing, max_gb: float = 24.0) -> Params:
    """The class defaults of nextpick.params, over them START, and over that these settings of some generators.

    Where times are made up (timing is not "time"), a user's line is one session. Raises: ValueError.
    """
    sections: dict[str, Any] = {}
    for name in GENERATORS:
        if name not in Params.model_fields:  # a generator may have no settings
            continue
        kind = Params.model_fields[name].annotation
        assert isinstance(kind, type)
        base = dict(START.get(name, {}))
        if name == "ease":
            base["max_gb"] = min(max_gb, EASE_GB)
        if name == "bought_together" and timing != "time":
            base["gap_hours"] = 25.0
        sections[name] = kind(**{**base, **updates.get(name, {})})
    return Params.model_construct(seed=SEED, **sections)


def start_of(kind: str, timing: Timing) -> dict[str, Any]:
    """All settings of a kind before any is chosen; memory aside, which is not a setting of the model."""
    params = params_of({}, timing)
    return getattr(params, kind).model_dump(exclude={"max_gb"}) if hasattr(params, kind) else {}


def grown(kind: str, chosen: Update) -> dict[str, Any]:
    """The same with its sizes at least LEAST."""
    return {**chosen, **{name: max(chosen[name], size) for name, size in LEAST.get(kind, {}).items()}}


def ladders_of(kind: str, split: Split) -> dict[str, Ladder]:
    """What to climb for a kind: its ladders, and half lives where time or order is told."""
    ladders = dict(LADDERS.get(kind, {}))
    if split.timing != "none" and kind in DECAYING:
        span = 1000.0
        if split.timing == "time":
            span = float(np.ptp(split.train.last_at)) / US_PER_DAY
        ladders["half_life_days"] = (round(span / 50, 3), round(span / 15, 3), round(span / 5, 3), FOREVER)
    return ladders


def spans_of(kind: str, split: Split) -> dict[str, Span]:
    """What --tune searches: as `nextpick tune`, but no decay without an order, and nothing where there is no ladder."""
    if not LADDERS.get(kind):
        return {}
    return {name: span for name, span in SPANS[kind].items() if name != "half_life_days" or split.timing != "none"}
