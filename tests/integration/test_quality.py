"""The public yardstick from the command line, on a split so small that all of it takes seconds."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
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
        [
            "--train",
            str(train),
            "--test",
            str(test),
            "--generator",
            "ease",
            "--timeout-minutes",
            "0.0001",
            "--choose-minutes",
            "0",
        ]
    )
    line = json.loads(capsys.readouterr().out)
    assert code == 0
    assert line == {"model": "ease", "error": "not done after 0.0001 minutes; allow more with --timeout-minutes"}


def test_a_split_that_cannot_be_read_is_every_models_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train, _ = ring(tmp_path)
    assert quality.main(["--train", str(train), "--test", str(tmp_path / "no.txt")]) == 2
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert "no.txt is not a file" in said.err
    assert [line["model"] for line in lines] == [*GENERATORS, "fused"]
    assert all(list(line) == ["model", "error"] and "no.txt is not a file" in line["error"] for line in lines)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("0 1 2 3\n1 2 3 4\n2 1 3 5\n", "0 4\n1 1\n2 2\n"),  # of three users no fold of a quarter has any
        ("0 1\n1 2\n2 1\n", "0 2\n1 1\n2 2\n"),  # nobody has an item to hold back
        ("0 1 2\n", "0 3\n"),  # what is sought is in nobody's train
        ("0 1 2\n1 1 2\n", "0 2\n"),  # and in the user's own
        ("0 1 2\n1 2 3\n2 3 1\n3 1 2\n", "4 1\n"),  # and by somebody who has nothing
    ],
)
@pytest.mark.parametrize("model", [*GENERATORS, "fused"])
@pytest.mark.filterwarnings("error")
def test_a_split_too_small_to_choose_by_is_measured_all_the_same(
    model: str, train: str, test: str, tmp_path: Path
) -> None:
    (tmp_path / "train.txt").write_text(train)
    (tmp_path / "test.txt").write_text(test)
    work = measure_fused if model == "fused" else measure
    line = work(Job(model, tmp_path / "train.txt", tmp_path / "test.txt", None, 20, 0.1, 0.0, 8.0))
    assert all(0 <= line[f"{name}@20"] <= 1 for name in ("recall", "ndcg", "hit"))


def test_one_is_found_among_negatives_as_the_ncf_papers_measure(tmp_path: Path) -> None:
    """Leave one out, k = 10, and 99 negatives: chance finds a tenth, and popularity says nothing on a ring."""
    draw, n_items = np.random.default_rng(5), 120
    first = draw.integers(n_items, size=90)
    own = (first[:, None] + np.arange(9)) % n_items
    for name, items in (("train", np.delete(own, 4, axis=1)), ("test", own[:, 4:5])):
        rows = [f"{user}\t{item}\t5\t97830{at}" for user, line in enumerate(items) for at, item in enumerate(line)]
        (tmp_path / f"ring.{name}.rating").write_text("\n".join(rows))
    with (tmp_path / "ring.test.negative").open("w") as file:
        for user, items in enumerate(own):
            others = draw.permutation(np.setdiff1d(np.arange(n_items), items))[:99]
            file.write("\t".join([f"({user},{items[4]})", *map(str, others)]) + "\n")
    files = [tmp_path / f"ring.{name}" for name in ("train.rating", "test.rating", "test.negative")]
    for model, least in (("item_knn", 0.9), ("fused", 0.9)):
        work = measure_fused if model == "fused" else measure
        line = work(Job(model, *files, 10, 0.1, 0.0, 8.0))
        assert line["hit@10"] == line["recall@10"] > least
    assert measure(Job("popular", *files, 10, 0.1, 0.0, 8.0))["hit@10"] < 0.4


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])  # SIGINT may be ignored where tests run behind
def test_however_it_is_ended_it_leaves_no_process_behind(ending: signal.Signals, tmp_path: Path) -> None:
    train, test = ring(tmp_path)
    command = [sys.executable, str(ROOT / "benchmarks/quality.py"), "--train", train, "--test", test, "--k", "5"]
    command += ["--generator", "bpr", "--tune", "--budget-minutes", "5"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "bpr 0." in line)  # its child is at work
        process.send_signal(ending)
        process.communicate(timeout=60)  # until nobody holds its end of the pipe: a child would hold it for minutes
        assert process.returncode != 0


def test_generators_may_be_named_at_once_or_one_by_one_and_each_is_measured_once_fused_last() -> None:
    asked = quality.options(["--generator", "fused", "rp3beta", "--generator", "als", "als"])
    assert quality._models(asked) == ["als", "rp3beta", "fused"]
    assert quality._models(quality.options([])) == [*GENERATORS, "fused"]


def test_help_teaches_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        quality.options(["--help"])
    said = capsys.readouterr().out
    assert all(word in said for word in ("user item item", ".parquet", "--negatives", "--tune", "ndcg@k"))
