"""Progress is for people at a terminal; a log gets none of it."""

import sys

import pytest

from nextpick.stages import progress


def test_a_terminal_sees_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress.bar("events.csv") as advance:
        advance(0.5, 50_000, "")
        advance(1.0, 1_234, "Mon 23 Nov")
    said = capsys.readouterr().err
    assert "events.csv" in said
    assert "51,234 rows Mon 23 Nov" in said


def test_a_log_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar("events.csv") as advance, progress.spinner("writing"):
        advance(1.0, 10, "")
    assert capsys.readouterr() == ("", "")
