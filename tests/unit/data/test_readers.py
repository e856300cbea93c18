"""Files of every kind are read to their end: a line that is no row is set aside with its number, none is lost."""

import csv
import io
import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from nextpick.data import csv_lines, json_lines, parquet_rows, readers
from nextpick.data.blocks import Block
from nextpick.data.readers import FileForm
from nextpick.errors import ConfigError, DataError

HEADER = b"user_id,item_id\n"


def write(folder: Path, content: bytes, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, **form: Any) -> list[Block]:
    return list(readers.read(path, FileForm(**form)))


def rows(blocks: list[Block]) -> list[tuple[int, list[Any]]]:
    return [
        (int(number), list(row))
        for block in blocks
        for number, row in zip(block.numbers, block.columns.itertuples(index=False), strict=True)
    ]


def rejects(blocks: list[Block]) -> list[tuple[int, str, Any]]:
    return [(reject.number, reject.reason, reject.line) for block in blocks for reject in block.rejects]


def test_csv_rows_carry_the_line_they_start_on(tmp_path: Path) -> None:
    path = write(tmp_path, b'\xef\xbb\xbfuser_id, item_id\r\n1,"a\nb"\r\n\r\n2,"say ""c"", d"\r\n')
    (block,) = read(path)
    assert list(block.columns) == ["user_id", "item_id"]
    assert rows([block]) == [(2, ["1", "a\nb"]), (5, ["2", 'say "c", d'])]
    assert block.line(1) == {"user_id": "2", "item_id": 'say "c", d'}
    assert block.done == 1


def test_ragged_lines_are_set_aside_and_reading_goes_on(tmp_path: Path) -> None:
    blocks = read(write(tmp_path, HEADER + b"1\n2,b\n3,c,d\n4,e"))
    assert rows(blocks) == [(3, ["2", "b"]), (5, ["4", "e"])]
    assert rejects(blocks) == [(2, "fewer fields than the header", "1"), (4, "more fields than the header", "3,c,d")]


@pytest.mark.parametrize("rest", [b"2,b\n" * 5, b"2,b\n" * 500])
def test_a_quote_that_is_never_closed_costs_one_line(tmp_path: Path, rest: bytes) -> None:
    blocks = read(write(tmp_path, HEADER + b'1,"a\n' + rest))
    assert len(rows(blocks)) == rest.count(b"\n")
    assert rejects(blocks) == [(2, csv_lines.UNCLOSED, '1,"a')]


def test_bytes_that_are_no_utf_8_are_set_aside_with_what_to_say(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1,café\n2,naïve".encode("latin-1") + "\n3,юг\n".encode())
    blocks = read(path)
    assert rows(blocks) == [(4, ["3", "юг"])]
    assert rejects(blocks)[0] == (2, "not utf-8: say what the file is with --encoding", "1,caf\\udce9")
    assert [row for _, row in rows(read(path, encoding="latin-1"))][:2] == [["1", "café"], ["2", "naïve"]]


def test_utf_16_is_read_when_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "user_id,item_id\n1,é\n".encode("utf-16"))
    with pytest.raises(DataError, match="is UTF-16: say --encoding utf-16"):
        read(path)
    assert rows(read(path, encoding="utf-16")) == [(2, ["1", "é"])]
    with pytest.raises(DataError, match=r"is not utf-16.*Say what it is with --encoding"):
        read(write(tmp_path, path.read_bytes() + b"\x00\xdc\x00"), encoding="utf-16")


def test_a_line_without_end_is_cut_and_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "MAX_LINE", 50)
    monkeypatch.setattr(json_lines, "MAX_LINE", 50)
    blocks = read(write(tmp_path, HEADER + b"1," + b"x" * 120 + b"\n2,b\n"))
    assert rows(blocks) == [(3, ["2", "b"])]
    assert [reject[:2] for reject in rejects(blocks)] == [(2, "longer than 50 characters")]
    blocks = read(write(tmp_path, b'{"a": "' + b"x" * 120 + b'"}\n{"a": 1}\n', "a.jsonl"))
    assert rows(blocks) == [(2, [1])]
    assert [reject[:2] for reject in rejects(blocks)] == [(1, "longer than 50 bytes")]


def test_a_block_ends_after_its_rows_wherever_they_are_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (csv_lines, json_lines, parquet_rows):
        monkeypatch.setattr(module, "ROWS", 2)
    blocks = read(write(tmp_path, HEADER + b"1\n2,b\n3,c\n4,d\n5,e\n"))
    assert [(len(block.numbers), len(block.rejects)) for block in blocks] == [(1, 1), (2, 0), (1, 0)]
    blocks = read(write(tmp_path, b'{"a": 1}\nx\n\n{"a": 2, "b": 3}\n', "a.ndjson"))
    assert [(block.read, list(block.columns)) for block in blocks] == [(2, ["a"]), (1, ["a", "b"])]
    pd.DataFrame({"a": [1, 2, 3]}).to_parquet(tmp_path / "a.parquet")
    assert [list(block.numbers) for block in read(tmp_path / "a.parquet")] == [[1, 2], [3]]


def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "ROWS", 1000)

    def peak(rows: int) -> int:
        path = write(tmp_path, HEADER + b"".join(b"%d,item-%d\n" % (n, n) for n in range(rows)))
        tracemalloc.start()
        assert sum(block.read for block in readers.read(path, FileForm())) == rows
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(20_000) < 1.5 * peak(3_000)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text(st.characters(exclude_categories=("Cs",))), min_size=2, max_size=2), max_size=20),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_csv_writer_writes_comes_back(table: list[list[str]], end: str) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *table])
    data = text.getvalue().encode()
    blocks = list(csv_lines.read(io.BytesIO(data), len(data), "utf-8", ",", "x.csv"))
    assert [row for _, row in rows(blocks)] == table
    assert rejects(blocks) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from(['"', ",", "a", "\n", "\r", "\0", "é", "b,c\n"]), max_size=60))
def test_no_line_of_a_broken_csv_is_lost(pieces: list[str]) -> None:
    body = "".join(pieces)
    data = b"h1,h2\n" + body.encode()
    blocks = list(csv_lines.read(io.BytesIO(data), len(data), "utf-8", ",", "x.csv"))
    starts = [number for number, _ in rows(blocks)] + [reject[0] for reject in rejects(blocks)]
    lines = dict(enumerate(io.StringIO(body, newline="").readlines(), start=2))
    spanned = sum(row[0].count("\n") + row[1].count("\n") for _, row in rows(blocks))
    spanned += sum(r[2].count("\n") for r in rejects(blocks))
    assert len(starts) == len(set(starts))
    assert set(starts) <= lines.keys()
    if "\r" not in body:
        assert len(starts) + spanned >= sum(line.strip("\n") != "" for line in lines.values())


def test_json_lines_that_are_no_objects_are_set_aside(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf{"a": 1, "b": [2]}\n[1]\n{"a": \n\n"text"\n{"a": "\xe9"}\n{"a": NaN}\n{"b": null}'
    blocks = read(write(tmp_path, content, "events.jsonl"))
    assert rows(blocks) == [(1, [1, [2]]), (8, [None, None])]
    assert [reject[:2] for reject in rejects(blocks)] == [
        (2, "not a JSON object"),
        (3, "not JSON"),
        (5, "not a JSON object"),
        (6, "not JSON"),
        (7, "not JSON"),
    ]
    assert rejects(blocks)[3][2] == '{"a": "\\xe9"}'


def test_parquet_keeps_long_whole_numbers_where_some_are_missing(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": pa.array([2**53 + 1, None], pa.int64()),
            "price": pa.array([1, None], pa.decimal128(5, 2)),
            "day": pa.array([0, 1], pa.date32()),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    (block,) = read(tmp_path / "a.parquet")
    assert block.columns["id"].iloc[0] == 2**53 + 1
    assert str(block.columns["price"].dtype) == "float64"
    assert str(block.columns["day"].dtype) == "datetime64[us]"
    assert list(block.columns["kind"]) == ["a", "b"]
    assert block.line(1)["id"] is None


def test_a_parquet_file_cut_short_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": range(1000)}).to_parquet(tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    for part in (content[:-100], content[:10], b"no parquet", content[:40] + b"\0" * 400 + content[440:]):
        with pytest.raises(DataError, match=r"cut\.parquet is no whole Parquet file.*Copy it again"):
            read(write(tmp_path, part, "cut.parquet"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("events.csv", b"", r"events\.csv is empty"),
        ("events.jsonl", b"", r"events\.jsonl is empty"),
        ("events.parquet", b"", r"events\.parquet is empty"),
        ("events.csv", b"\n\na,b\n", "first line .* is empty; it must name the columns"),
        ("events.csv", b'"user\n', "is no CSV header"),
        ("events.csv", b"a,b,a\n", r"names \['a'\] twice"),
        ("events.csv", b"caf\xe9,b\n", "is not utf-8. Say what the file is with --encoding"),
        ("events.csv", b"a,,b\n", "leaves a column without a name"),
        ("events.csv", b"a;b\n", "is one column, 'a;b'. Say what parts the columns with --delimiter ';'"),
        ("events.csv", b"PAR1xxxx", "is Parquet: name it .parquet, or say --format parquet"),
        ("events.csv", b"PK\x03\x04xx", "a zip archive or an Excel sheet: save it as CSV"),
        ("events.jsonl", b"\x1f\x8bxxx", "compressed with gzip: decompress it first"),
        ("events.json", b'[{"a": 1}]', "is a JSON array; write one object a line"),
        ("events.xlsx", b"x", "ends in none of .csv"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, content, name))


def test_a_first_line_without_end_is_no_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "MAX_LINE", 100)
    with pytest.raises(DataError, match="is longer than 100 characters; it must name the columns"):
        read(write(tmp_path, b"\0" * 1000))


def test_a_time_beyond_what_python_can_hold_is_a_row_to_show_all_the_same(tmp_path: Path) -> None:
    table = pa.table({"at": pa.array([2**60], pa.int64()).cast(pa.timestamp("ms", "UTC")), "user": ["u"]})
    parquet.write_table(table, tmp_path / "far.parquet")
    (block,) = read(tmp_path / "far.parquet")
    assert block.line(0) == {"at": 2**60, "user": "u"}


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no file .*absent\.csv"):
        read(tmp_path / "absent.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=r"folder\.csv is a folder; name one file"):
        read(tmp_path / "folder.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=r"pipe\.csv is a pipe or a device; save what it gives as a file first"):
        read(tmp_path / "pipe.csv")


def test_wrong_options_say_what_is_possible(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER)
    with pytest.raises(ConfigError, match="There is no encoding 'klingon'"):
        read(path, encoding="klingon")
    with pytest.raises(ConfigError, match=r"There is no encoding 'utf-8\\x00'"):
        read(path, encoding="utf-8\0")
    with pytest.raises(ConfigError, match="one character, not ';;'"):
        read(path, delimiter=";;")
    assert read(path) == []


def test_formats_are_told_by_the_name_or_said(tmp_path: Path) -> None:
    assert rows(read(write(tmp_path, b"a\tb\n1\t2\n", "x.tsv"))) == [(2, ["1", "2"])]
    assert rows(read(write(tmp_path, json.dumps({"a": 1}).encode(), "x.log"), format="json")) == [(1, [1])]
