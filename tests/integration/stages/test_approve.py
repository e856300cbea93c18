"""A person's word on a challenger: what is asked, what is kept, and what it changes."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nextpick import registry
from nextpick.card import TEXT
from nextpick.cli import app
from nextpick.errors import ConfigError, GateRefused
from nextpick.settings import Settings
from nextpick.stages import approve, card, promote, train
from tests.published import Version

LINEAGE = {"run_id": "retrain.r1"}


@pytest.fixture
def folder(version: Version, tmp_path: Path) -> Path:
    """A run's folder in which the stages have run, and params.yaml wants a person's approval."""
    folder = tmp_path / "run"
    shutil.copytree(version.bundle_dir.parents[1], folder)
    with (folder / "params.yaml").open("a") as params:
        params.write("\npromotion: {mode: approve}\n")
    return folder


@pytest.fixture(autouse=True)
def registered(settings: Settings, folder: Path, version: Version, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry holds the folder's bundle as version 1, a challenger that nobody has judged."""
    registry.register(settings, folder, version.bundle_sha256, LINEAGE)
    monkeypatch.setenv("NEXTPICK_HOME", str(settings.home))


def test_the_question_is_the_model_card_without_pictures_and_with_a_way_to_them(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.judged(settings, "1", True, ["better than popular"])
    asked = approve.question(settings, folder, "1")
    assert asked.subject == "Version 1 passed the gate. Shall it be the champion?"
    assert "- better than popular" in asked.body
    assert "retrain.r1" in asked.body
    (folder / card.CARD / TEXT).parent.mkdir(parents=True, exist_ok=True)
    (folder / card.CARD / TEXT).write_text(
        "# The card\n\n![gain](gain.png)\n\nndcg@10 is 0.31.\n\n## Parameters\n\nseed: 42\n"
    )
    there = registry.get(settings, "1")
    monkeypatch.setattr(registry, "get", lambda *_: there)
    served = settings.model_copy(update={"mlflow_url": "http://mlflow.example"})
    body = approve.question(served, folder, "1").body
    assert "ndcg@10 is 0.31." in body
    assert "png" not in body
    assert "seed" not in body
    assert "(http://mlflow.example/#/models/nextpick/versions/1)" in body


def test_what_a_person_refused_stays_out(settings: Settings) -> None:
    registry.judged(settings, "1", True, ["better than popular"])
    approve.answered(settings, "1", False, "ada", "nothing but tea")
    assert registry.get(settings, "1").answer == "refused, ada: nothing but tea"
    assert approve.refusal(settings, "1").startswith("Version 1 passed the gate, but ada refused it: nothing but tea.")
    with pytest.raises(GateRefused, match="was rejected: ada refused it: nothing but tea"):
        promote.run(settings, "1")


@pytest.mark.parametrize("by", ["", "bob"])
def test_a_refusal_or_a_time_out_after_somebody_promoted_it_by_hand_changes_nothing(
    by: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    registry.judged(settings, "1", True, ["better than popular"])
    approve.by_hand(settings, "1", "seen it")
    approve.answered(settings, "1", False, by, "")
    found = registry.get(settings, "1")
    assert (found.is_champion, found.rejected, found.answer) == (True, "", "approved, ada: seen it")
    assert approve.refusal(settings, "1").startswith("Version 1 is the champion already: it was promoted while")


def test_what_the_gate_said_of_a_rejected_version_is_kept_when_it_comes_again(settings: Settings, folder: Path) -> None:
    """The next night's run finds the same version where no data is new."""
    registry.reject(settings, "1", "complaints about tea")
    assert approve.refusal(settings, "1") == "Version 1 was rejected: complaints about tea. The champion stays."
    registry.judged(settings, "1", True, ["better than popular"])
    decision = promote.decide(settings, folder, "1")
    assert (decision.promote, decision.reasons) == (False, ("It was rejected: complaints about tea.",))
    found = registry.get(settings, "1")
    assert (found.gate, found.reasons) == (registry.PASSED, ("better than popular",))
    assert not (folder / card.CARD / TEXT).exists()


def test_what_nobody_answered_may_be_asked_again(settings: Settings) -> None:
    registry.judged(settings, "1", True, ["better than popular"])
    approve.answered(settings, "1", False, "", "")
    assert "nobody answered in time" in approve.refusal(settings, "1")
    assert "`nextpick promote 1 --because WHY`" in approve.refusal(settings, "1")
    promote.run(settings, "1")
    assert registry.get(settings, "1").is_champion


def test_a_refusal_of_the_gate_is_told_as_the_gates(settings: Settings) -> None:
    registry.judged(settings, "1", False, ["It is worse."])
    assert approve.refusal(settings, "1") == "The gate refused version 1; the champion stays. It is worse."


def test_the_command_promotes_what_the_gate_refused_and_keeps_who_and_why(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    registry.judged(settings, "1", False, ["It is worse."])
    result = CliRunner().invoke(app, ["promote", "1", "--because", "a trial for a week"])
    assert "Version 1 is the champion" in result.stdout
    found = registry.get(settings, "1")
    assert (found.is_champion, found.forced) == (True, "a trial for a week")
    assert found.answer == "approved, ada: a trial for a week"


def test_the_command_wants_a_reason(settings: Settings) -> None:
    result = CliRunner().invoke(app, ["promote", "1", "--because", " "])
    assert isinstance(result.exception, ConfigError)
    assert "The reason is empty" in str(result.exception)


def test_training_at_the_command_line_leaves_it_to_a_person_too(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train.pipeline, "start", lambda *_: folder)
    monkeypatch.setattr(train.pipeline, "fetch_sample", lambda _: None)
    monkeypatch.setattr(train.pipeline, "stages", lambda _: {})
    monkeypatch.setattr(train.register, "run", lambda *_: registry.get(settings, "1"))
    done = train.run(settings, None, run_id="cli.1", cutoff=datetime(2025, 11, 13, tzinfo=UTC))
    assert done.promoted is False
    assert done.reasons[-1].endswith("Approve it: nextpick promote 1 --because WHY")
    assert registry.champion(settings) is None
