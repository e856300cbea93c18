"""The canary sings for honest features and names those that know the future."""

import numpy as np
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows
from nextpick.evaluation import canary
from nextpick.evaluation.canary import knowing_the_future
from nextpick.features import holdout
from nextpick.features.histories import histories
from nextpick.features.pair import feature_names
from nextpick.models import candidates
from nextpick.params import Params
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, catalogue, frame, params

START = NOW - 20 * US_PER_DAY
PARAMS = params(als={"factors": 4}).model_copy(update={"pool": {"als": 6, "popular": 6}})


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    rng = np.random.default_rng(2)
    ids = [f"i{n:02}" for n in range(12)]
    rows = [(f"u{u:02}", ids[rng.integers(12)], float(rng.uniform(0, 60))) for u in range(30) for _ in range(20)]
    happened = frame(rows).sort_values("occurred_at", ignore_index=True)
    return Snapshot.of(happened, catalogue(ids), Windows((START,), START, NOW), "md5")


def found(snapshot: Snapshot, chosen: Params = PARAMS) -> tuple[str, ...]:
    known = histories(snapshot.interactions, snapshot.users, snapshot.items, chosen.data.kinds, START)
    return knowing_the_future(snapshot, candidates.fit(known, chosen), feature_names(chosen.generators), chosen)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_honest_features_do_not_move(snapshot: Snapshot, seed: int) -> None:
    assert found(snapshot, PARAMS.model_copy(update={"seed": seed})) == ()


def test_counts_that_reach_past_the_moment_are_named_and_no_others(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = holdout.item_table
    monkeypatch.setattr(holdout, "item_table", lambda a, b, c, _: real(a, b, c, NOW))
    named = found(snapshot)
    assert {"item_popularity_7d", "item_popularity_28d", "item_idle_days"} <= set(named)
    assert all(name.startswith("item_") or name.endswith("_now") for name in named)  # a pull counts the popularity


def test_the_past_and_the_number_of_events_stay_as_they_were(snapshot: Snapshot) -> None:
    other = canary._with_another_future(snapshot, START, 5).interactions
    before = snapshot.interactions["occurred_at"] < "2025-09-19"
    assert before.sum() > 100
    assert other[: before.sum()].equals(snapshot.interactions[before])
    assert len(other) == len(snapshot.interactions)
    assert other["occurred_at"].is_monotonic_increasing
    assert not other["item_id"].equals(snapshot.interactions["item_id"])


def test_no_future_is_nothing_to_know(snapshot: Snapshot) -> None:
    at = snapshot.interactions["occurred_at"]
    past = snapshot.interactions[at.astype("int64") < START]
    assert found(Snapshot(past, snapshot.catalogue, snapshot.users, snapshot.items, snapshot.windows, "md5")) == ()
