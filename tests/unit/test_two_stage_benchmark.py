"""The benchmark of the two stages, on a world where everything is known."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import datasets, two_stage
from nextpick.models.candidates import KINDS
from tests import published, worlds
from tests.trained import SMALL


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    published.interactions().to_parquet(folder / "events.parquet", index=False)
    published.catalogue().to_parquet(folder / "items.parquet", index=False)
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parameters that ship, for a small world."""
    monkeypatch.setattr(two_stage, "load_params", lambda _: worlds.params(**SMALL, bpr={"iterations": 2}))


def test_the_last_line_says_each_generator_and_how_far_the_two_stages_are_above_the_best(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert two_stage.main(["--data", str(data), "--policy", "allow", "--days", "14", "--ablate"]) == 0
    printed = capsys.readouterr()
    said = json.loads(printed.out.splitlines()[-1])
    ndcg = said["ndcg@10"]
    assert set(ndcg) == {*KINDS, "two_stage"}
    singles = {name: value for name, value in ndcg.items() if name != "two_stage"}
    assert ndcg[said["best_single"]] == max(singles.values())
    assert said["gain_over_best_single"] == pytest.approx(ndcg["two_stage"] / max(singles.values()) - 1, abs=1e-3)
    assert said["gain_over_als"] == pytest.approx(ndcg["two_stage"] / ndcg["als"] - 1, abs=1e-3)
    low, high = said["ci95"]
    assert low <= ndcg["two_stage"] - max(singles.values()) <= high
    assert "without" in printed.err


def test_over_a_generator_that_found_nothing_there_is_no_gain() -> None:
    ndcg = {"als": np.zeros(5), "popular": np.zeros(5), "two_stage": np.full(5, 0.5)}
    said = two_stage.verdict(ndcg, worlds.params())
    assert said["gain_over_best_single"] is said["gain_over_als"] is None
    assert said["ci95"] == [0.5, 0.5]


def test_the_policy_decides_what_counts(data: Path) -> None:
    """24 users who each know most of their 15 items: what is left to find is little, and buy again finds none of it."""
    found = {}
    for policy in ("allow", "exclude"):
        chosen = two_stage._parser().parse_args(["--policy", policy, "--days", "14"])
        world = two_stage.make(datasets.load(str(data)), two_stage._params(chosen))
        found[policy] = len(world.held.relevant.item_rows)
    assert 0 < found["exclude"] < found["allow"] / 3


def test_a_file_of_events_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    published.interactions()[["user_id", "item_id", "occurred_at"]].to_csv(file, index=False)
    data = datasets.load(str(file))
    assert data.kinds == {"event": 1.0}
    assert len(data.events) == data.events["event_id"].nunique() == len(published.interactions())
    assert list(data.catalogue["item_id"]) == sorted(published.interactions()["item_id"].unique())


def test_a_test_window_of_new_users_alone_and_a_file_without_events_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.csv"
    known = published.interactions()[["user_id", "item_id", "occurred_at"]]
    test_from = known["occurred_at"].max() - pd.Timedelta(days=14)
    known.loc[known["occurred_at"] > test_from, "user_id"] += " anew"
    known.to_csv(file, index=False)
    assert two_stage.main(["--data", str(file), "--days", "14"]) == 1
    assert "Nobody with a history took anything in the test window" in capsys.readouterr().err
    file.write_text("user_id,item_id,occurred_at\n")
    assert two_stage.main(["--data", str(file)]) == 1
    assert "events.csv has no row that can be used as an event" in capsys.readouterr().err


def test_data_that_is_not_there_is_an_error_that_says_where_to_put_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXTPICK_DATA", str(tmp_path))
    assert two_stage.main(["--data", "completejourney"]) == 1
    assert f"There is no folder {tmp_path / 'completejourney'}. Let NEXTPICK_DATA name" in capsys.readouterr().err


def test_a_generator_that_refuses_the_catalogue_is_left_out_and_said_so(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params = two_stage._params(two_stage._parser().parse_args(["--days", "14"]))
    params = params.model_copy(update={"ease": params.ease.model_copy(update={"max_gb": 1e-9})})
    world = two_stage.make(datasets.load(str(data)), params)
    assert "ease" not in world.tested
    assert "ease is left out: ease has room for no item " in capsys.readouterr().err


def test_the_sample_is_the_purchases_of_online_retail() -> None:
    data = datasets.load("online-retail")
    assert data.kinds == {"purchase": 1.0}
    assert len(data.events) == 391_068
    assert np.isin(data.events["item_id"].unique(), data.catalogue["item_id"]).all()
