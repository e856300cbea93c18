"""The benchmark of places given away by lot, on a world where everything is known."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import lots
from tests import published
from tests.sample_slice import write_params
from tests.trained import SMALL

ANSWERS, N, K = 600, 16, 4


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what is read of data/raw, and parameters for so little."""
    folder = tmp_path_factory.mktemp("world")
    published.interactions().to_parquet(folder / "events.parquet", index=False)
    published.catalogue().to_parquet(folder / "items.parquet", index=False)
    write_params(folder, **SMALL)
    return folder


def run(world: Path, *more: str) -> int:
    return lots.main(["--raw", str(world), "--params", str(world / "params.yaml"), "--draws", "5", *more])


def replay(judged: np.ndarray, taken: np.ndarray) -> lots.Replay:
    """Everybody has the same lists, 0 to N - 1 and `judged`, and takes items as `taken` (ANSWERS, N) says."""
    each = np.arange(ANSWERS)
    return lots.Replay(
        each, np.tile(np.arange(N), (ANSWERS, 1)), np.tile(judged, (ANSWERS, 1)), taken, taken[:, judged]
    )


def test_the_last_line_says_what_lots_cost_and_how_often_the_bounds_held(
    world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(world, "--days", "3", "--share", "0.1", "0.5") == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 1  # what the stages say goes elsewhere
    said = json.loads(printed.out)
    assert list(said) == ["answers", "users", "draws", "earned", "truth", "supported_truth", "places", "shares"]
    assert said["answers"] >= said["users"] > 10
    assert said["earned"] > 0.5
    assert 0 < said["supported_truth"] < said["truth"]
    assert sum(said["places"].values()) == pytest.approx(1, abs=1e-3)
    assert list(said["shares"]) == ["0.1", "0.5"]
    some, most = said["shares"].values()
    assert most["cost"] > some["cost"]
    assert most["lots"] > some["lots"] > 0
    assert most["by_item"]["reward"] == pytest.approx(said["truth"], rel=0.3)
    assert most["by_item"]["held"] >= 3
    assert "train_ranker ..." in printed.err
    assert "share 0.5: {" in printed.err


def test_lists_without_orders_to_judge_them_by_say_so(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(world, "--days", "13.5") == 1
    assert "DataError: 0 users with a history ordered from 13.5 days after" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--share", "0.1", "0.6"], "--share is above 0 and at most .5, as params exploration, and is 0.6."),
        (["--draws", "0"], "--draws is at least 1, and is 0."),
    ],
)
def test_what_cannot_be_asked_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        lots.main(arguments)
    assert said in capsys.readouterr().err


def test_of_lists_that_are_known_the_figures_are_those_reckoned_by_hand() -> None:
    """One item in its place, two in others', one from below: by place only the first and the last can be seen."""
    rates = np.full(N, 0.3)
    rates[:K] = 0.5
    taken = np.random.default_rng(1).random((ANSWERS, N)) < rates
    of = replay(np.array([0, 2, 1, 10]), taken)
    said = lots.figures(of, [0.4], 20)
    assert said["places"] == {"same": 0.25, "moved": 0.5, "below": 0.25, "elsewhere": 0.0}
    assert said["earned"] == pytest.approx(2, abs=0.1)
    assert said["truth"] == pytest.approx(taken[:, [0, 1, 2, 10]].sum(axis=1).mean(), abs=1e-4)
    assert said["supported_truth"] == pytest.approx(taken[:, [0, 10]].sum(axis=1).mean(), abs=1e-4)
    (found,) = said["shares"].values()
    assert found["cost"] == pytest.approx(0.4 * (1 - 0.3 / 0.5), abs=0.03)
    assert found["lots"] == pytest.approx(ANSWERS * K * 0.4 / (N - K), rel=0.1)
    assert found["by_item"]["reward"] == pytest.approx(said["truth"], rel=0.05)
    assert found["by_item"]["held"] >= 17
    assert found["by_place"]["reward"] == pytest.approx(said["supported_truth"], rel=0.1)
    assert found["by_place"]["held"] == 0
    assert found["by_place"]["held_supported"] >= 15


def test_the_live_lists_themselves_earn_what_they_earn_and_what_nobody_takes_costs_nothing() -> None:
    of = replay(np.arange(K), np.ones((ANSWERS, N), bool))
    said = lots.figures(of, [0.1], 3)
    assert said["truth"] == said["earned"] == said["supported_truth"] == K
    assert (said["shares"]["0.1"]["cost"], said["shares"]["0.1"]["lots"]) == (0, 0)
    nothing = lots.figures(replay(np.arange(K), np.zeros((ANSWERS, N), bool)), [0.1], 3)
    assert nothing["shares"]["0.1"]["cost"] is None
    assert nothing["shares"]["0.1"]["by_item"] == {"reward": 0.0, "held": 3}
