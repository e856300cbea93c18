"""Cutting a table of interactions into a split: what is kept, what is held back, and what cannot be."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.yardstick import cut
from benchmarks.yardstick.split import read_split


@pytest.fixture(scope="module")
def taken() -> pd.DataFrame:
    """Twelve users of ten items in a random order of time, the first of which each takes twice; ann has one alone."""
    draw = np.random.default_rng(2)
    rows = [(f"u{user:02}", item, 100 + at) for user in range(12) for at, item in enumerate(draw.permutation(10))]
    rows += [(user, item, 999) for user, item, at in rows if at == 100]
    rows += [("ann", 3, 7)]
    return pd.DataFrame(rows, columns=["user", "item", "at"]).sample(frac=1, random_state=1)


def test_a_pair_counts_once_at_its_first_time_and_users_lie_together_by_time(taken: pd.DataFrame) -> None:
    found = cut.pairs(taken, "user", "item", "at", 1)
    assert len(found) == 121
    assert found["user"].is_monotonic_increasing
    assert found["time"].max() == 109
    assert (found.groupby("user")["time"].diff().dropna() > 0).all()


def test_who_has_too_few_is_left_out_again_and_again() -> None:
    """Without b, i2 has one user, and then c has one item."""
    rows = [("a", "i0"), ("a", "i1"), ("b", "i2"), ("c", "i2"), ("c", "i0"), ("d", "i0"), ("d", "i1")]
    found = cut.pairs(pd.DataFrame(rows, columns=["user", "item"]), "user", "item", None, 2)
    assert set(found["user"]) == {"a", "d"}
    assert set(found["item"]) == {"i0", "i1"}


@pytest.mark.parametrize(("by", "each"), [("random", 2), ("last", 2), ("one", 1)])
def test_each_user_has_as_much_to_find_as_is_asked_and_something_to_learn_from(
    by: str, each: int, taken: pd.DataFrame
) -> None:
    known = cut.pairs(taken, "user", "item", "at", 1)
    test = cut.to_test(known, by, 0.2, 0)
    sizes = known[test].groupby("user").size()
    assert set(sizes) == {each}
    assert "ann" not in sizes  # the only one she has stays
    times = known[test].groupby("user")["time"].min() > known[~test].groupby("user")["time"].max().drop("ann")
    assert times.all() == (by != "random")
    assert cut.to_test(known, by, 0.2, 0).tolist() == test.tolist()


def test_what_is_unseen_is_nobodys_own_and_as_many_as_there_are(taken: pd.DataFrame) -> None:
    known = cut.pairs(taken, "user", "item", "at", 1)
    assert {user: len(items) for user, items in cut.unseen(known, 99, 0).items()} == {
        **{f"u{user:02}": 0 for user in range(12)},
        "ann": 9,
    }
    (some,) = cut.unseen(known[known["user"] == "ann"].assign(user="ann"), 4, 0).values()
    assert some == []  # of a catalogue of one item


@pytest.mark.parametrize("time", [["--time", "at"], []])
def test_the_command_writes_what_the_yardstick_reads(
    time: list[str], taken: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = pd.concat([taken, pd.DataFrame({"user": ["u00", "u01"], "item": [77, 77], "at": [1, 2]})])
    more.to_csv(tmp_path / "all.csv")
    asked = ["--data", tmp_path / "all.csv", *time, "--by", "one", "--where", "user != 'ann'", "--negatives", "5"]
    assert cut.main([*map(str, asked), "--out", str(tmp_path / "cut")]) == 0
    assert capsys.readouterr().err == "12 users, 11 items, 110 pairs to learn from, 12 to find\n"
    suffix = "csv" if time else "txt"
    files = [tmp_path / "cut" / name for name in (f"train.{suffix}", f"test.{suffix}", "negatives.txt")]
    split = read_split(files[0], files[1])
    assert (len(split.users), len(split.train.item_rows), split.test.nnz) == (12, 110, 12)
    assert (split.timing, split.cut) == (("time", "last") if time else ("order", "untold"))
    lines = {line.split()[0]: line.split()[1:] for line in files[2].read_text().splitlines()}
    assert lines["u02"] == ["77"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--item", "product"], "There is no column product; there are user, item, at."),
        (["--core", "50"], "No user and item has 50 of the other: ask for a smaller --core"),
        (["--user", "named"], "There is no column named"),
    ],
)
def test_what_cannot_be_cut_is_said(
    arguments: list[str], said: str, taken: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken.to_parquet(tmp_path / "all.parquet", index=False)
    assert cut.main(["--data", str(tmp_path / "all.parquet"), *arguments, "--out", str(tmp_path / "cut")]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "cut").exists()


def test_an_id_of_two_words_would_be_two_items_of_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a", "red tea"), ("a", "cup"), ("b", "cup"), ("b", "red tea")]
    pd.DataFrame(rows, columns=["user", "item"]).to_csv(tmp_path / "all.csv", index=False)
    assert cut.main(["--data", str(tmp_path / "all.csv"), "--out", str(tmp_path)]) == 1
    assert "and 'red tea' is not one: number these ids first" in capsys.readouterr().err
