"""What is printed last says what can be done next, with the data that are there."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from nextpick.local import page, secrets
from nextpick.local.page import Data, Picks
from nextpick.settings import Settings

PICKS = Picks("anna", ["a book"], {"items": [], "model_version": "1"})


def shown(home: Path, there: Data, found: Picks | None) -> str:
    (home / "airflow").mkdir(exist_ok=True)
    out = StringIO()
    page.show_rest(Console(file=out, width=500), Settings(home=home), secrets.load(home / "secrets.json"), found, there)
    return out.getvalue()


def test_without_events_it_says_how_to_load_some_and_what_to_trigger_then(tmp_path: Path) -> None:
    said = shown(tmp_path, Data(events=False, sample=False), None)
    assert "There are no events yet" in said
    assert "nextpick load EVENTS --items ITEMS    your data; docs/your-own-data.md" in said
    assert "/dags/data_prep    trigger it" in said
    assert "/recommend -H" not in said


@pytest.mark.parametrize("sample", [True, False])
def test_the_replay_is_offered_where_the_sample_is_loaded(tmp_path: Path, sample: bool) -> None:
    said = shown(tmp_path, Data(events=True, sample=sample), PICKS)
    assert ("nextpick replay" in said) == sample
    assert '"user_id": "anna"' in said


def test_a_loop_that_ended_without_a_release_is_not_passed_over(tmp_path: Path) -> None:
    assert "No release is live" in shown(tmp_path, Data(events=True, sample=True), None)
