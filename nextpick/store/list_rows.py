"""Rows that hold arrays, as bytes for COPY ... (FORMAT binary), many at once.

A value of Python's a field costs more than Postgres needs to store it. So each column is put into its wire format
whole, by numpy, and a row is a few slices of that, joined with those of the rows around it into pieces of PIECE bytes:
large enough that a write costs little, small enough that Postgres works on one while the next is made.
Format: PostgreSQL's documentation of COPY, "Binary Format".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, pairwise, repeat

import numpy as np

from nextpick.store import arrays
from nextpick.store.arrays import Element

PIECE = 1 << 19  # bytes, about
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
    slices = [part for column in columns for part in (_heads(column), _elements(column))]
    size = sum(len(column.values) * column.element.wire.itemsize for column in columns)
    rows = zip(repeat(head), keys, *slices, strict=False)  # `repeat` has no end; the shortest is the keys
    at_once = max(1, PIECE * (len(columns[0].starts) - 1) // max(size, 1))
    while some := b"".join(chain.from_iterable(islice(rows, at_once))):
        yield some


def _heads(column: Column) -> list[bytes]:
    """What comes before each row's elements: the field's length, and the array's own head."""
    lengths = np.diff(column.starts)
    heads = {n: _head(n, column.element) for n in np.unique(lengths).tolist()}
    return [heads[n] for n in lengths.tolist()]


def _head(length: int, element: Element) -> bytes:
    head = arrays.header(length, element)
    return (len(head) + length * element.wire.itemsize).to_bytes(4, "big") + head


def _elements(column: Column) -> list[bytes]:
    """Each row's elements as they travel; as views of one array they would keep the garbage collector busy."""
    data = arrays.encode(column.values, column.element).tobytes()
    starts = (column.starts * column.element.wire.itemsize).tolist()
    return [data[start:end] for start, end in pairwise(starts)]
