"""Reading a split: every format of it, what its order and times tell, and what is wrong with a file."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.yardstick.split import Split, read_split
from nextpick.errors import DataError
from nextpick.schema import US_PER_DAY

PAIRS = [("a", "7"), ("a", "3"), ("b", "3"), ("b", "9"), ("b", "1")]


def lines(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def entries(split: Split) -> list[tuple[int, int]]:
    return list(zip(split.train.user_rows.tolist(), split.train.item_rows.tolist(), strict=True))


@pytest.fixture
def test_file(tmp_path: Path) -> Path:
    return lines(tmp_path / "test.txt", "a 1\nb\n")


def table(path: Path, columns: dict[str, list[object]]) -> Path:
    frame = pd.DataFrame(columns)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.parametrize("name", ["train.txt", "train.csv", "train.tsv", "train.parquet"])
def test_the_same_pairs_are_read_from_every_format(name: str, tmp_path: Path, test_file: Path) -> None:
    train = tmp_path / name
    if name == "train.txt":
        lines(train, "a 7 3\n\nb 3 9 1\n")
    else:
        table(train, {"user": [user for user, _ in PAIRS], "item": [int(item) for _, item in PAIRS]})
    split = read_split(train, test_file)
    assert entries(split) == [(0, 0), (0, 1), (1, 1), (1, 2), (1, 3)]
    assert split.train.n_items == 4
    assert split.test.toarray().tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]
    assert split.users.tolist() == [0]  # b has nothing to find


def test_an_item_that_only_the_test_names_is_in_the_catalogue(tmp_path: Path, test_file: Path) -> None:
    split = read_split(lines(tmp_path / "train.txt", "a 7 3\n"), test_file)
    assert split.train.n_items == 3
    assert split.test.indices.tolist() == [2]


def test_a_pair_named_twice_counts_once(tmp_path: Path, test_file: Path) -> None:
    split = read_split(lines(tmp_path / "train.txt", "a 7 7 3\na 3\n"), test_file)
    assert entries(split) == [(0, 0), (0, 1)]
    assert split.train.weights.tolist() == [1, 1]


def test_the_order_of_a_line_is_its_time_a_day_a_place(tmp_path: Path, test_file: Path) -> None:
    split = read_split(lines(tmp_path / "train.txt", "a 7 3 5\nb 9 1\n"), test_file)
    days_ago = (split.train.as_of - split.train.last_at) // US_PER_DAY
    assert split.timing == "order"
    assert days_ago.tolist() == [2, 1, 0, 1, 0]


@pytest.mark.parametrize(
    "text",
    [
        "a 3 7 10 11\nb 1 3 9 12\n",
        "a 11 10 7 3\nb 12 9 3 1\n",  # down
        "a 10 11 3 7\nb 1 12 3 9\n",  # as text
        "a i10 i11 i3 i7\nb i9 i91\n",
    ],
)
def test_sorted_lines_tell_no_order(text: str, tmp_path: Path, test_file: Path) -> None:
    split = read_split(lines(tmp_path / "train.txt", text), test_file)
    assert split.timing == "none"
    assert len(set(split.train.last_at.tolist())) == 1


@pytest.mark.parametrize("times", [[100, 50, 10, 20, 30], [f"2024-01-0{d}T12:00:00Z" for d in (5, 4, 1, 2, 3)]])
def test_times_are_seconds_or_dates(times: list[object], tmp_path: Path, test_file: Path) -> None:
    users, items = zip(*PAIRS, strict=True)
    split = read_split(table(tmp_path / "t.csv", {"user": [*users], "item": [*items], "time": times}), test_file)
    assert split.timing == "time"
    assert split.train.as_of == split.train.last_at.max() + 1
    assert np.argsort(split.train.last_at).tolist() == [2, 3, 4, 1, 0]


@pytest.mark.parametrize(("sought_at", "cut"), [(9, "last"), (2, "random")])
def test_the_times_tell_how_the_test_was_cut(sought_at: int, cut: str, tmp_path: Path) -> None:
    train = table(tmp_path / "train.csv", {"user": ["a", "a"], "item": [1, 2], "time": [1, 5]})
    test = table(tmp_path / "test.csv", {"user": ["a"], "item": [3], "time": [sought_at]})
    assert read_split(train, test).cut == cut


def test_negatives_are_lines_and_may_name_the_pair_as_the_ncf_papers_do(tmp_path: Path, test_file: Path) -> None:
    train = lines(tmp_path / "train.txt", "a 7 3\n")
    plain = read_split(train, test_file, lines(tmp_path / "n.txt", "a 8 9\n"))
    paired = read_split(train, test_file, lines(tmp_path / "n2.txt", "(a,1)\t8\t9\n"))
    assert plain.negatives is not None
    assert paired.negatives is not None
    assert plain.negatives.toarray().tolist() == paired.negatives.toarray().tolist() == [[0, 0, 0, 1, 1]]


def test_a_user_whose_only_candidate_is_what_they_seek_is_refused(tmp_path: Path, test_file: Path) -> None:
    train = lines(tmp_path / "train.txt", "a 7 3\n")
    with pytest.raises(DataError, match=r"n\.txt has no items for 1 of the 1 users of the test, such as 'a': "):
        read_split(train, test_file, lines(tmp_path / "n.txt", "b 8 9\n"))


def test_the_ncf_papers_ratings_are_users_items_and_times(tmp_path: Path) -> None:
    train = lines(tmp_path / "ml.train.rating", "0\t7\t4\t100\n0\t3\t5\t50\n")
    split = read_split(train, lines(tmp_path / "ml.test.rating", "0\t9\t1\t200\n"))
    assert (split.timing, split.cut) == ("time", "last")
    assert entries(split) == [(0, 0), (0, 1)]
    assert split.train.n_items == 3


def test_what_editors_and_windows_add_to_a_file_is_no_part_of_an_id(tmp_path: Path, test_file: Path) -> None:
    plain = read_split(lines(tmp_path / "train.txt", "a 7 3\nb 9 1\n"), test_file)
    (tmp_path / "odd.txt").write_bytes("\ufeffa 7\t3 \r\n\r\n  \r\nb  9 1\r\n".encode())
    odd = read_split(tmp_path / "odd.txt", test_file)
    assert entries(odd) == entries(plain)
    assert odd.test.toarray().tolist() == plain.test.toarray().tolist()


def test_ids_are_text_whatever_a_table_takes_them_for(tmp_path: Path) -> None:
    train = table(tmp_path / "train.parquet", {"user": [1.0, 2.0], "item": ["NA", "007"]})
    test = lines(tmp_path / "test.csv", "user,item\n1,007\n2,NA\n")
    split = read_split(train, test)
    assert split.train.n_items == len(split.train) == 2
    assert split.test.toarray().tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("a_second", [1, 10**3, 10**6, 10**9])
def test_times_are_in_the_unit_that_their_size_tells(a_second: int, tmp_path: Path, test_file: Path) -> None:
    at = [1_433_221_332 * a_second, 1_433_223_236 * a_second]
    train = table(tmp_path / "train.csv", {"user": ["a", "a"], "item": [3, 7], "time": at})
    assert np.diff(read_split(train, test_file).train.last_at).tolist() == [1904 * 10**6]


def test_times_that_are_all_the_same_tell_nothing(tmp_path: Path) -> None:
    same = table(tmp_path / "t.csv", {"user": ["a", "a"], "item": [3, 7], "time": [5, 5]})
    none = table(tmp_path / "n.csv", {"user": ["a", "a"], "item": [3, 7], "time": [None, None]})
    test = table(tmp_path / "test.csv", {"user": ["a"], "item": [9], "time": [5]})
    for train in (same, none):
        split = read_split(train, test)
        assert (split.timing, split.cut) == ("none", "untold")


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("x.csv", "user,product\na,1\n", r"x\.csv has columns user, product: item missing"),
        ("x.csv", "user,item\na,1\n,2\n", r"x\.csv: row 2 has no user or no item"),
        ("x.csv", "user,item,time\na,1,5\nb,1,\n", r"x\.csv: row 2 has no time"),
        ("x.csv", "user,item,time\na,1,soon\n", r"x\.csv: time is neither seconds since 1970 nor ISO 8601"),
        ("x.csv", "user,item\na,1,9\n", r"x\.csv has rows of more columns than its header"),
        ("x.rating", "a\t1\t5\t100\t9\n", r"x\.rating has rows of more columns than .*'rating', 'time'"),
        ("x.csv", "user,item,time\na,1,9e30\n", r"x\.csv: time is neither seconds since 1970 nor ISO 8601"),
        ("x.parquet", "no parquet", r"x\.parquet cannot be read as parquet"),
        ("x.txt", "", r"x\.txt has no user with an item"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(name: str, text: str, fault: str, tmp_path: Path, test_file: Path) -> None:
    with pytest.raises(DataError, match=fault):
        read_split(lines(tmp_path / name, text), test_file)


def test_a_file_that_is_not_text_is_refused(tmp_path: Path, test_file: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match=r"x\.txt is not text .* Name a table"):
        read_split(tmp_path / "x.txt", test_file)


def test_a_file_that_is_not_there_is_named_with_what_could_be(tmp_path: Path, test_file: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere\.txt is not a file\. Name one with lines `user item item"):
        read_split(tmp_path / "nowhere.txt", test_file)
