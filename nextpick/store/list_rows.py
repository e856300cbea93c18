"""Rows that hold arrays, as bytes for COPY ... (FORMAT binary), many at once.

A value of Python's a field costs more than Postgres needs to store it. So each column is put into its wire format
whole, by numpy, and a row is a few slices of that, joined with those of the rows around it into pieces of PIECE bytes:
large enough that a write costs little, small enough that Postgres works on one while the next is made.
Format: PostgreSQL's documentation of COPY, "Binary Format".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from nextpick.store import arrays
from nextpick.store.arrays import Element

PIECE = 1 << 19  # bytes
START = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
END = b"\xff\xff"


@dataclass(frozen=True)
class Column:
    """An array column of many rows: row i holds values[starts[i]:starts[i + 1]]."""

    values: np.ndarray
    starts: np.ndarray
    element: Element


def field(data: bytes) -> bytes:
    """One field of a row: its length, then itself."""
    return len(data).to_bytes(4, "big") + data


def pieces(first: bytes, keys: Iterable[bytes], columns: list[Column]) -> Iterator[bytes]:
    """The rows' bytes, without START and END: `first` (a field) and the row's key (a field, one a row), then
    `columns`."""
    head = (2 + len(columns)).to_bytes(2, "big") + first
    wires = [_Wire(column) for column in columns]
    parts: list[bytes | memoryview] = []
    size = 0
    for row, key in enumerate(keys):
        parts += (head, key)
        for wire in wires:
            start, end = wire.starts[row], wire.starts[row + 1]
            parts += (wire.heads[end - start], wire.data[start:end])
            size += end - start
        if size > PIECE:
            yield b"".join(parts)
            parts.clear()
            size = 0
    yield b"".join(parts)


class _Wire:
    """A column as it travels: its elements, where a row's begin in bytes, and what comes before so many bytes."""

    def __init__(self, column: Column) -> None:
        width = column.element.wire.itemsize
        self.data = memoryview(arrays.encode(column.values, column.element))
        self.starts: list[int] = (column.starts * width).tolist()
        self.heads: dict[int, bytes] = {}
        for length in np.unique(np.diff(column.starts)).tolist():
            head, size = arrays.header(length, column.element), length * width
            self.heads[size] = (len(head) + size).to_bytes(4, "big") + head
