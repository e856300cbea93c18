"""A ranker whose candidates knew the answers does worse, and does not pass the gate."""

import json
from pathlib import Path

import pytest

from nextpick.models.bundle import load_bundle
from nextpick.stages import evaluate, gate
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
