"""The comparison of engines: both are measured alike, and what is missing is said."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks import engines
from benchmarks.yardstick.ranking import Scores
from benchmarks.yardstick.split import Split
from tests.unit.yardstick.planted import ring


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, object]:
    monkeypatch.setattr(sys, "argv", ["engines.py", *arguments])
    engines.main()
    return dict(json.loads(capsys.readouterr().out))


def talkative(split: Split, setting: engines.Setting) -> Scores:
    """implicit's, and what a library may say on stdout."""
    print("50 %", end="")
    return engines.implicits_bpr(split, setting)


def test_both_descents_of_bpr_rank_a_ring_by_the_better_of_the_grid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = [{**engines.GRIDS["bpr"][-1], "factors": 16, "iterations": n} for n in (1, 300)]
    monkeypatch.setitem(engines.GRIDS, "bpr", grid)
    monkeypatch.setitem(engines.OTHERS, "bpr", ("implicit", talkative))
    train, test = ring(tmp_path)
    lines = said(capsys, monkeypatch, "--model", "bpr", "--train", str(train), "--test", str(test))
    assert list(lines) == ["nextpick", "implicit"]
    for line in lines.values():
        assert list(line) == ["recall@20", "ndcg@20", "fit_cpu_s", *grid[0]]  # type: ignore[call-overload]
        assert line["iterations"] == 300  # type: ignore[index]
        assert line["recall@20"] > 0.75  # type: ignore[index]  # chance finds .6


@pytest.mark.parametrize("arguments", [[], ["--train", "x", "--test", "y"]])
def test_what_is_missing_is_said(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engines.OTHERS, "als", ("no_such_library", engines.irspacks_als))
    error = said(capsys, monkeypatch, *arguments)["error"]
    assert error == "this wants --train, --test and a venv with no_such_library: see --help"
