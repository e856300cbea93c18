"""What must never go live: rankers that knew the answers, learnt from noise, or see the future."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextpick.features import holdout
from nextpick.features.histories import Histories
from nextpick.features.items import ItemTable
from nextpick.models import examples
from nextpick.models.bundle import load_bundle
from nextpick.schema import US_PER_DAY
from nextpick.stages import evaluate, gate, train_ranker
from tests.sample_slice import with_leak


@pytest.fixture(scope="module")
def leaky(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_leak(honest, tmp_path_factory.mktemp("leak") / "leaky")


def ndcg(folder: Path) -> float:
    return float(json.loads((folder / evaluate.METRICS).read_text())["ndcg_at_10"])


def test_candidates_fitted_on_label_data_do_worse_on_the_test_window(honest: Path, leaky: Path) -> None:
    assert ndcg(leaky) < 0.95 * ndcg(honest)


def test_a_leaky_challenger_is_refused_against_an_honest_champion(honest: Path, leaky: Path) -> None:
    decision = gate.run(leaky, load_bundle(honest / evaluate.BUNDLE))
    assert not decision.promote
    assert "may be worse than the champion" in decision.reasons[1]


def test_an_honest_challenger_replaces_a_leaky_champion(honest: Path, leaky: Path) -> None:
    decision = gate.run(honest, load_bundle(leaky / evaluate.BUNDLE))
    assert decision.promote
    assert decision.figures["champion_ndcg_at_10"] == pytest.approx(ndcg(leaky), abs=1e-6)


@pytest.fixture(scope="module")
def noise(honest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with a ranker whose labels were shuffled."""
    folder, real = tmp_path_factory.mktemp("noise") / "noise", examples.labels
    shutil.copytree(honest, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(examples, "labels", lambda *given: np.random.default_rng(0).permutation(real(*given)))
        train_ranker.run(folder)
    evaluate.run(folder)
    return folder


def test_a_model_that_learnt_from_shuffled_labels_is_refused_even_where_there_is_no_champion(noise: Path) -> None:
    decision = gate.run(noise, None)
    assert not decision.promote
    assert "is not shown to be better than the popular list" in decision.reasons[0]
    assert any(reason.startswith("By itself als is better on this window") for reason in decision.reasons)


@pytest.mark.parametrize("what", ["item_table", "histories"])
def test_features_that_read_past_their_moment_are_refused_however_good_they_look(
    what: str, honest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, days = getattr(holdout, what), 3 * US_PER_DAY

    def late(*given: Any) -> Histories | ItemTable:
        """Three days more than it says, as an off-by-one window would have."""
        *before, as_of = given
        read = real(*before, as_of + days)
        if isinstance(read, ItemTable):
            return read
        first, last = (np.minimum(at, as_of - 1) for at in (read.first_at, read.last_at))
        return replace(read, as_of=as_of, first_at=first, last_at=last)

    monkeypatch.setattr(holdout, what, late)
    decision = gate.run(honest, None)
    assert not decision.promote
    assert [rule.name for rule in decision.rules if not rule.passed] == ["leaks"]
    expected = {"item_table": "item_popularity_7d", "histories": "own_count"}[what]
    (reason,) = (rule.said for rule in decision.rules if not rule.passed)
    assert reason in decision.reasons
    assert expected in reason
    assert "They know the future, so nothing measured with them holds" in reason
