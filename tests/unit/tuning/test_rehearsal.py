"""Parameters judged on the label windows alone, of the world of tests/published.py."""

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows, windows
from nextpick.errors import DataError
from nextpick.models import training
from nextpick.models.ranker import Ranker
from nextpick.params import Params, SplitParams
from nextpick.tuning import rehearsal as module
from nextpick.tuning.rehearsal import Rehearsal
from tests import published, worlds

SPLIT = SplitParams(label_days=20, label_windows=4, test_days=20)
PARAMS = worlds.params(ranker={"trees": 10, "leaves": 4, "min_child_samples": 5}).model_copy(
    update={"pool": {"buy_again": 20, "popular": 20}, "split": SPLIT}
)


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    interactions = published.interactions()
    return Snapshot.of(interactions, published.catalogue(), windows(interactions, SPLIT), "md5")


def judged(snapshot: Snapshot, params: Params = PARAMS) -> list[float]:
    return list(Rehearsal(snapshot, params).ndcg(params))


def test_the_test_window_is_never_looked_at(snapshot: Snapshot) -> None:
    start = snapshot.windows.test_from
    at = snapshot.interactions["occurred_at"].astype("int64")
    late = at >= start
    assert late.sum() > 50
    scrambled = snapshot.interactions.copy()
    scrambled.loc[late, "item_id"] = "tool-00"
    other = Snapshot.of(scrambled, snapshot.catalogue, snapshot.windows, "md5")
    assert judged(other) == judged(snapshot)


def test_the_ranker_is_told_what_was_shown_as_the_pipelines_is_but_not_in_the_test_window(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = snapshot.interactions
    shown = pd.DataFrame(
        {"user_id": taken["user_id"], "item_id": taken["item_id"], "rank": 3, "shown_at": taken["occurred_at"]}
    ).astype({"rank": "int16"})
    told: list[pd.DataFrame] = []

    def learn(seen: Snapshot, *rest: Any) -> Ranker:
        told.append(seen.shown)
        return training.learn(seen, *rest)

    monkeypatch.setattr(module, "learn", learn)
    worths = judged(replace(snapshot, shown=shown))
    before = shown[shown["shown_at"].astype("int64") < snapshot.windows.test_from]
    assert 0 < len(before) < len(shown)
    assert [len(each) for each in told] == [len(before)] * 2
    assert worths == judged(snapshot)  # so few positions do not count yet


def test_the_newest_label_windows_are_measured_and_the_newest_first(snapshot: Snapshot) -> None:
    rehearsal = Rehearsal(snapshot, PARAMS)
    assert rehearsal.windows == 2
    first, both = rehearsal.ndcg(PARAMS)
    starts, test_from = snapshot.windows.labels_from, snapshot.windows.test_from
    older = replace(snapshot, windows=Windows(starts[:-1], starts[-1], test_from))
    assert judged(snapshot)[0] == first
    assert judged(older)[0] == pytest.approx(2 * both - first, abs=0.05)  # nearly as many users in each


def test_what_was_fitted_is_remembered_and_changes_nothing(snapshot: Snapshot) -> None:
    rehearsal = Rehearsal(snapshot, PARAMS)
    varied = PARAMS.model_copy(update={"popular": PARAMS.popular.model_copy(update={"half_life_days": 3.0})})
    first = list(rehearsal.ndcg(PARAMS))
    assert list(rehearsal.ndcg(varied)) == judged(snapshot, varied)
    assert list(rehearsal.ndcg(PARAMS)) == first


def test_with_one_label_window_there_is_nothing_to_judge_by(snapshot: Snapshot) -> None:
    only = replace(snapshot, windows=replace(snapshot.windows, labels_from=snapshot.windows.labels_from[-1:]))
    with pytest.raises(DataError, match="There is one label window, and a search needs two"):
        Rehearsal(only, PARAMS)
