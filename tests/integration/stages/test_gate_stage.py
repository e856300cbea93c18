"""The gate's stage compares on the challenger's own test window, and as fairly as it says."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import structlog

from nextpick.errors import DataError
from nextpick.models.bundle import load_bundle
from nextpick.stages import evaluate, gate
from nextpick.stages.evaluate import BUNDLE


def test_the_first_challenger_beats_popular_and_is_promoted(honest: Path) -> None:
    with structlog.testing.capture_logs() as logged:
        decision = gate.run(honest, None)
    assert decision.promote
    assert decision.reasons[1] == "There was no champion to compare it with."
    assert [line["event"] for line in logged] == ["the gate lets it pass", *decision.reasons]  # each a line to read


def test_a_champion_that_is_the_challenger_scores_the_same_to_the_last_user(honest: Path) -> None:
    """Its candidates are fitted anew before the test window: those it ships know it, and would score higher."""
    decision = gate.run(honest, load_bundle(honest / BUNDLE))
    assert decision.promote
    assert decision.figures["champion_ndcg_at_10"] == decision.figures["ndcg_at_10"]


def test_a_champion_that_learnt_later_is_said_to_be_flattered(honest: Path) -> None:
    champion = load_bundle(honest / BUNDLE)
    later = replace(champion.windows, test_from=champion.windows.test_from + 1)
    assert "flatters the champion" in gate.run(honest, replace(champion, windows=later)).reasons[-1]


def test_a_champion_may_be_fitted_in_as_much_memory_as_the_challenger(honest: Path) -> None:
    """The catalogue has grown, and ease.max_gb in params.yaml with it; what the champion was trained with is past."""
    champion = load_bundle(honest / BUNDLE)
    assert "ease" in champion.generators
    small = champion.params.model_copy(update={"ease": champion.params.ease.model_copy(update={"max_gb": 1e-9})})
    assert gate.run(honest, replace(champion, params=small)).promote


def test_a_folder_in_which_nothing_was_evaluated_is_refused(tmp_path: Path, honest: Path) -> None:
    shutil.copy(honest / "params.yaml", tmp_path)
    with pytest.raises(DataError, match=r"holds no evaluation: .*Run `dvc repro evaluate` there"):
        gate.run(tmp_path, None)


def test_an_evaluation_of_other_data_is_refused(tmp_path: Path, honest: Path) -> None:
    folder = Path(shutil.copytree(honest, tmp_path / "mixed"))
    path = folder / evaluate.EVALUATION / "per_user.parquet"
    table = evaluate.read(folder).per_user
    table.assign(user_row=np.roll(table["user_row"], 1)).to_parquet(path, index=False)
    with pytest.raises(DataError, match="was made from other data than"):
        gate.run(folder, load_bundle(honest / BUNDLE))
