"""The canary: features that know the future die when it changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.data.snapshot import Snapshot
from nextpick.features.holdout import holdout
from nextpick.features.pair import pair_features
from nextpick.models.generator import Generator
from nextpick.models.pool import build_pool
from nextpick.params import Params
from nextpick.schema import OCCURRED_AT

USERS = 200  # looked at


def knowing_the_future(
    snapshot: Snapshot, generators: Mapping[str, Generator], features: Sequence[str], params: Params
) -> tuple[str, ...]:
    """Which of `features` change when all that happened in the test window is drawn anew, in the features' order.

    None may: each is as of the window's start. Looked at are the candidates of USERS users, drawn by params.seed.
    """
    start, end = snapshot.windows.test_from, snapshot.windows.cutoff
    real = holdout(snapshot, params, start, end)
    other = holdout(_with_another_future(snapshot, start, params.seed), params, start, end)
    warm = np.flatnonzero(np.diff(real.histories.indptr)).astype(np.int32)
    users = np.sort(np.random.default_rng(params.seed).permutation(warm)[:USERS])
    pool = build_pool(generators, params.pool, users, real.histories, params.scenarios["default"].seen_policy)
    one, another = (pair_features(pool, held.histories, held.table, start, features) for held in (real, other))
    differs = ((one != another) & ~(np.isnan(one) & np.isnan(another))).any(axis=0)
    return tuple(name for name, moved in zip(features, differs, strict=True) if moved)


def _with_another_future(snapshot: Snapshot, start: int, seed: int) -> Snapshot:
    """The same past; every value at `start` or later is drawn from those there are, each column by itself.

    Drawn with replacement: a permutation would leave each item its count.
    """
    happened = snapshot.interactions
    later = np.flatnonzero(microseconds(happened[OCCURRED_AT]) >= start)
    rng = np.random.default_rng(seed)
    drawn = {}
    for name in happened.columns:
        rows = np.arange(len(happened))
        rows[later] = rng.choice(later, len(later)) if len(later) else later
        drawn[name] = happened[name].take(rows).reset_index(drop=True)
    frame = pd.DataFrame(drawn).sort_values(OCCURRED_AT, kind="stable", ignore_index=True)
    return replace(snapshot, interactions=frame)
