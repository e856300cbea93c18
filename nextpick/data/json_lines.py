"""JSON lines, a block at a time: one object a line; a line that is none is set aside and reading goes on."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import orjson
import pandas as pd

from nextpick.data.blocks import ROWS, Block, Reject
from nextpick.errors import DataError

MAX_LINE = 1_000_000  # bytes; a longer line is cut there and refused
_MARK = b"\xef\xbb\xbf"


def read(raw: BinaryIO, size: int, name: str) -> Iterator[Block]:
    """The objects of a JSON lines file, values as JSON has them; a block's columns are all keys in it.

    Raises: DataError for a file that is one JSON array.
    """
    lines = _lines(raw, name)
    while (block := _block(lines)) is not None:
        yield replace(block, done=raw.tell() / max(size, 1))


def _lines(raw: BinaryIO, name: str) -> Iterator[tuple[int, bytes]]:
    """Lines with their number, blank ones apart."""
    number = 0
    while line := raw.readline(MAX_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(_MARK)
            if line.lstrip().startswith(b"["):
                raise DataError(f"{name} is a JSON array; write one object a line.")
        rest = line
        while len(rest) == MAX_LINE and not rest.endswith(b"\n"):
            rest = raw.readline(MAX_LINE)
        if line.strip():
            yield number, line


def _block(lines: Iterator[tuple[int, bytes]]) -> Block | None:
    """The next ROWS lines, or None at the end."""
    numbers: list[int] = []
    rows: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for number, line in lines:
        row, reason = _parsed(line)
        if reason:
            rejects.append(Reject(number, reason, line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")))
        else:
            numbers.append(number)
            rows.append(row)
        if len(rows) + len(rejects) == ROWS:
            break
    if not rows and not rejects:
        return None
    keys = dict.fromkeys(key for row in rows for key in row)
    columns = {key: pd.Series([row.get(key) for row in rows], dtype="object") for key in keys}
    return Block(np.array(numbers, np.int64), pd.DataFrame(columns), rows.__getitem__, tuple(rejects))


def _parsed(line: bytes) -> tuple[dict[str, Any], str]:
    if len(line) == MAX_LINE:
        return {}, f"longer than {MAX_LINE} bytes"
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}, "not JSON"
    return (row, "") if isinstance(row, dict) else ({}, "not a JSON object")
