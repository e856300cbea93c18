"""Rows with arrays as COPY's bytes: read back by the format's own rules."""

import struct

import numpy as np
import pytest

from nextpick.store import arrays, list_rows
from nextpick.store.arrays import FLOAT4, INT2
from nextpick.store.list_rows import Column, field, pieces

SIZES = [0, 3, 1, 0, 5]
STARTS = np.concatenate([[0], np.cumsum(SIZES)])
COLUMNS = [
    Column(np.arange(9, dtype=np.int16), STARTS, INT2),
    Column(np.arange(18, dtype=np.float32) / 8, STARTS * 2, FLOAT4),
]


def fields(data: bytes) -> list[list[bytes]]:
    """The fields of each row: a count, then length and bytes of each."""
    rows, at = [], 0
    while at < len(data):
        (count,) = struct.unpack_from("!h", data, at)
        at, row = at + 2, []
        for _ in range(count):
            (length,) = struct.unpack_from("!i", data, at)
            row.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        rows.append(row)
    return rows


@pytest.mark.parametrize("size", [1, 50, 1 << 19])
def test_each_row_has_its_key_and_its_part_of_every_column(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(list_rows, "PIECE", size)
    sent = list(pieces(field(b"release"), (field(f"user {n}".encode()) for n in range(5)), COLUMNS))
    assert (len(sent) > 1) == (size < 100)
    rows = fields(b"".join(sent))
    assert [row[:2] for row in rows] == [[b"release", f"user {n}".encode()] for n in range(5)]
    for n, (_, _, *columns) in enumerate(rows):
        for column, data in zip(COLUMNS, columns, strict=True):
            np.testing.assert_array_equal(
                arrays.load(data), column.values[column.starts[n] : column.starts[n + 1]], strict=True
            )
