"""The public yardstick from the command line, on a split so small that all of it takes seconds."""

import json
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from benchmarks import quality
from benchmarks.yardstick import measure as yardstick
from benchmarks.yardstick.fused import measure_fused
from benchmarks.yardstick.measure import Job, measure
from nextpick.params import GENERATORS
from tests.unit.yardstick.planted import ring

ROOT = Path(__file__).resolve().parent.parent.parent
KEYS = ["model", "recall@5", "ndcg@5", "hit@5", "fit_cpu_s", "score_cpu_s", "peak_mb", "params"]


def asked(folder: Path, model: str, negatives: Path | None = None, tune_seconds: float = 0.0) -> Job:
    train, test = ring(folder)
    return Job(model, train, test, negatives, 5, 1.0, tune_seconds, 8.0)


@pytest.mark.parametrize("model", GENERATORS)
def test_every_generator_is_measured(model: str, tmp_path: Path) -> None:
    line = measure(asked(tmp_path, model))
    if model == "buy_again":  # it proposes what the user has, and that is masked
        assert line["recall@5"] == 0
    elif model != "popular":  # nothing is popular on a ring
        assert line["recall@5"] > 0.6
    assert 0 <= line["ndcg@5"] <= line["hit@5"] <= 1


def test_all_fused_rank_well(tmp_path: Path) -> None:
    line = measure_fused(asked(tmp_path, "fused"))
    assert line["recall@5"] > 0.8
    assert set(line["params"]) == {"weights", "trees", "members"}


def test_tuning_goes_on_from_the_choice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked_often(*_: float) -> Callable[[], bool]:
        """Says enough after a number of looks, not of seconds, of which a busy machine has few."""
        looks = count()
        return lambda: next(looks) >= 8

    monkeypatch.setattr(yardstick, "spent", asked_often)
    line = measure(asked(tmp_path, "item_knn", tune_seconds=1.0))
    tried = [step for step in capfd.readouterr().err.splitlines() if "item_knn 0." in step]
    assert len({step.split("shrink")[1] for step in tried}) > 9  # choosing alone looks at 9 at most
    assert line["recall@5"] > 0.6


def test_one_line_of_json_each_and_a_refusal_is_one_too(tmp_path: Path) -> None:
    train, test = ring(tmp_path)
    (tmp_path / "n.txt").write_text("".join(f"{user} {' '.join(map(str, range(12)))}\n" for user in range(60)))
    command = [sys.executable, str(ROOT / "benchmarks/quality.py"), "--train", train, "--test", test, "--k", "5"]
    command += ["--negatives", tmp_path / "n.txt", "--choose-minutes", "0", "--generator", "fused", "popular"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0, ran.stderr
    assert [line["model"] for line in lines] == ["popular", "fused"]
    assert all(list(line) == KEYS for line in lines), lines
    assert "fused" in ran.stderr


def test_a_model_that_fails_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, test = ring(tmp_path)
    code = quality.main(
        ["--train", str(train), "--test", str(test), "--generator", "ease", "--timeout-minutes", "0.0001"]
    )
    line = json.loads(capsys.readouterr().out)
    assert code == 0
    assert line == {"model": "ease", "error": "not done after 0.0001 minutes; allow more with --timeout-minutes"}


def test_a_split_that_cannot_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, _ = ring(tmp_path)
    assert quality.main(["--train", str(train), "--test", str(tmp_path / "no.txt")]) == 2
    assert "no.txt is not a file" in capsys.readouterr().err


def test_help_teaches_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        quality.options(["--help"])
    said = capsys.readouterr().out
    assert all(word in said for word in ("user item item", ".parquet", "--negatives", "--tune", "ndcg@k"))
