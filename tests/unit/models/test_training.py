"""From label windows to a ranker: how many trees, and what is refused."""

from collections.abc import Mapping

import numpy as np
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import windows
from nextpick.errors import DataError
from nextpick.features.histories import histories
from nextpick.features.holdout import holdout
from nextpick.models import candidates, ranker, training
from nextpick.models.examples import candidates as candidates_of
from nextpick.models.examples import examples
from nextpick.models.generator import Generator
from nextpick.models.training import learn
from nextpick.params import Params
from tests import published, worlds

RANKER = {"trees": 30, "patience": 3, "leaves": 4, "min_child_samples": 5}
PARAMS = worlds.params(
    split={"label_days": 20, "label_windows": 3, "test_days": 10}, als={"factors": 4, "iterations": 2}, ranker=RANKER
)
PARAMS = PARAMS.model_copy(update={"pool": {"als": 10, "buy_again": 10, "popular": 10}})


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    happened = published.interactions()
    return Snapshot.of(happened, published.catalogue(), windows(happened, PARAMS.split), "")


@pytest.fixture(scope="module")
def fitted(snapshot: Snapshot) -> list[Mapping[str, Generator]]:
    def fit(as_of: int) -> Mapping[str, Generator]:
        known = histories(snapshot.interactions, snapshot.users, snapshot.items, PARAMS.data.kinds, as_of)
        return candidates.fit(known, PARAMS)

    return [fit(start) for start, _ in snapshot.windows.labels]


def trees(snapshot: Snapshot, fitted: list[Mapping[str, Generator]], params: Params) -> int:
    return learn(snapshot, params, fitted.__getitem__).trees


def test_the_newest_window_says_when_to_stop_and_then_all_are_learnt(
    snapshot: Snapshot, fitted: list[Mapping[str, Generator]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(fitted) == 3
    sizes: dict[str, list[int]] = {}
    held = [holdout(snapshot, PARAMS, *window) for window in snapshot.windows.labels]
    pools = [candidates_of(*each, PARAMS) for each in zip(fitted, held, strict=True)]
    parts = [examples(*each, PARAMS) for each in zip(pools, held, strict=True)]
    newest = examples(pools[-1], held[-1], PARAMS, whole=True)

    def stop(learnt: object, unseen: object, *_: object) -> int:
        sizes["stop"] = [len(learnt.labels), len(unseen.labels)]  # type: ignore[attr-defined]
        return 7

    monkeypatch.setattr(ranker, "enough_trees", stop)
    assert trees(snapshot, fitted, PARAMS) == 7
    assert sizes["stop"] == [len(parts[0].labels) + len(parts[1].labels), len(newest.labels)]
    assert len(newest.labels) > len(parts[2].labels)


def test_without_patience_or_with_one_window_all_trees_are_grown(
    snapshot: Snapshot, fitted: list[Mapping[str, Generator]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> int:
        raise AssertionError

    monkeypatch.setattr(ranker, "enough_trees", never)
    impatient = PARAMS.model_copy(update={"ranker": PARAMS.ranker.model_copy(update={"patience": 0})})
    assert trees(snapshot, fitted, impatient) == 30
    one = windows(snapshot.interactions, PARAMS.split.model_copy(update={"label_windows": 1}))
    single = Snapshot.of(snapshot.interactions, snapshot.catalogue, one, "")
    assert trees(single, fitted[2:], PARAMS) == 30


def test_the_ranker_comes_with_its_importance(snapshot: Snapshot, fitted: list[Mapping[str, Generator]]) -> None:
    found = learn(snapshot, PARAMS, fitted.__getitem__)
    assert set(found.importance["contribution"]) == set(found.features)
    assert np.isfinite(list(found.importance["contribution"].values())).all()


def test_windows_in_which_nothing_was_relevant_are_refused(
    snapshot: Snapshot, fitted: list[Mapping[str, Generator]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = holdout(snapshot, PARAMS, *snapshot.windows.labels[0])
    idle = examples(candidates_of(fitted[0], held, PARAMS), held, PARAMS)
    idle = type(idle)(idle.features, np.zeros_like(idle.labels), idle.group_sizes)
    monkeypatch.setattr(training, "examples", lambda *_, **__: idle)
    with pytest.raises(DataError, match=r"the ranker has nothing to learn from. Load more history, or raise"):
        learn(snapshot, PARAMS, fitted.__getitem__)
