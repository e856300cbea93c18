"""What is said of a split before it is measured."""

from pathlib import Path

from benchmarks.yardstick.remarks import remarks
from benchmarks.yardstick.split import read_split


def test_what_nobody_can_find_is_counted(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a 1 2 3\nb 2 3\nc 3\n")
    (tmp_path / "test.txt").write_text("a 3 9\nb 1\nnew 2 8\n")
    assert remarks(read_split(tmp_path / "train.txt", tmp_path / "test.txt")) == [
        "3 users learn 6 pairs of 5 items; no order is told; 3 users seek 5 items",
        "1 of them have nothing in train: only popular has an opinion",
        "2 of the items sought are in nobody's train: nobody finds them",
        "1 of the items sought are in the user's own train: they are masked, and nobody finds them",
    ]


def test_of_a_split_without_faults_only_its_size_is_said(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("a 2 1\nb 2 1 3\n")
    (tmp_path / "test.txt").write_text("a 3\n")
    assert remarks(read_split(tmp_path / "train.txt", tmp_path / "test.txt")) == [
        "2 users learn 5 pairs of 3 items; the order is told; 1 users seek 1 items"
    ]
