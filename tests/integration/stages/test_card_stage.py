"""The card is written beside the bundle for every decision, whole, and the last one counts."""

import json
import shutil
from pathlib import Path

import pytest

from nextpick.errors import DataError
from nextpick.evaluation.gate import Decision
from nextpick.models import manifest
from nextpick.models.bundle import load_bundle
from nextpick.stages import card, evaluate, gate


@pytest.fixture
def project(honest: Path, tmp_path: Path) -> Path:
    """A run of the test's own, to write into."""
    return Path(shutil.copytree(honest, tmp_path / "project"))


def test_a_card_has_the_run_s_own_figures_and_a_file_for_programs(project: Path) -> None:
    bundle = load_bundle(project / evaluate.BUNDLE)
    decision = gate.run(project, bundle)
    folder = card.run(project, decision, version="2", champion="1", champion_params=bundle.params)
    assert folder == project / "models" / "card"
    text = (folder / "card.md").read_text()
    for row in evaluate.read(project).slices.itertuples():
        assert f"{row.ndcg:.4f} [{row.low:.4f}, {row.high:.4f}]" in text or row.slice != "all"
    assert bundle.sha256 in text
    assert "The champion's are the same." in text
    for line in text.splitlines():
        if line.startswith("!["):
            assert (folder / line.partition("](")[2].rstrip(")")).stat().st_size > 10_000
    stated = json.loads((folder / "decision.json").read_text())
    assert stated["promote"]
    assert stated["figures"] == decision.figures
    assert {rule["name"] for rule in stated["rules"]} >= {"over_champion_less_margin_low", "churn", "leaves"}
    assert decision.figures["churn"] == 0.0  # the champion is this very model


def test_the_card_of_the_last_decision_takes_the_place_of_the_one_before(project: Path) -> None:
    for why in ("It was rejected: complaints.", "It was rejected: more complaints."):
        card.run(project, Decision(False, (why,), {}))
    text = (project / card.CARD / "card.md").read_text()
    sha256 = manifest.read(project / evaluate.BUNDLE)[1]
    assert text.startswith(f"# Model card: bundle {sha256[:12]}, refused by the gate\n\n- It was rejected: more")


def test_there_is_no_card_of_what_was_not_evaluated(project: Path) -> None:
    shutil.rmtree(project / evaluate.EVALUATION)
    with pytest.raises(DataError, match=r"holds no evaluation: .*Run `dvc repro evaluate` there"):
        card.run(project, Decision(True, (), {}))
