"""CSV, a block at a time: each record with the line it starts on; what is none is set aside and reading goes on."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from io import TextIOWrapper
from typing import Any, BinaryIO, TextIO

import numpy as np
import pandas as pd

from nextpick.data.blocks import ROWS, Block, Reject
from nextpick.errors import ConfigError, DataError

MAX_LINE = 1_000_000  # characters; a longer line is cut there and refused
MAX_RECORD_LINES = 100  # a quoted field may span lines; one that spans more was never closed
UNCLOSED = "a quote is never closed, or stands inside a value without being doubled"
_SURROGATE = re.compile("[\ud800-\udfff]")
csv.field_size_limit(MAX_LINE * MAX_RECORD_LINES)  # ours are reached first, and say where


class _Unclosed(Exception):
    pass


class _Feed:
    """Physical lines for csv.reader, remembered while a record lasts and given back where it was none."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._back: deque[str] = deque()
        self.number = 1  # of the line that comes next
        self.taken: list[str] = []
        self.cut = False  # whether a line of the record was longer than MAX_LINE

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) == MAX_RECORD_LINES:
            raise _Unclosed
        line = self._back.popleft() if self._back else self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        if len(line) == MAX_LINE:
            self.cut = True
            rest = line
            while len(rest) == MAX_LINE and not rest.endswith("\n"):
                rest = self._text.readline(MAX_LINE)
        self.number += 1
        self.taken.append(line)
        return line

    def start(self) -> int:
        """Begin a record; returns the number of the line it begins on."""
        self.taken.clear()
        self.cut = False
        return self.number

    def keep_first(self) -> str:
        """Of the lines taken give back all but the first, which is returned."""
        first, *rest = self.taken
        self._back.extendleft(reversed(rest))
        self.number -= len(rest)
        return first


def read(raw: BinaryIO, size: int, encoding: str, delimiter: str, name: str) -> Iterator[Block]:
    """The rows of a CSV file with a header, all values text as written. Blank lines are passed over.

    Raises: DataError for an empty file or a header that cannot be one; ConfigError for an unknown encoding.
    """
    try:
        text = TextIOWrapper(raw, encoding=_with_mark(encoding), errors="surrogateescape", newline="")
    except (LookupError, ValueError):
        raise ConfigError(f"There is no encoding {encoding!r}; use utf-8, latin-1, cp1252, ...") from None
    if len(delimiter) != 1:
        raise ConfigError(f"The delimiter must be one character, not {delimiter!r}.")
    feed = _Feed(text)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    try:
        header = _header(feed, reader, name, delimiter, encoding)
        while (block := _block(feed, reader, header, encoding)) is not None:
            yield replace(block, done=raw.tell() / max(size, 1))
    except UnicodeError as error:
        raise DataError(f"{name} is not {encoding}: {error}. Say what it is with --encoding.") from None
    finally:
        text.detach()  # `raw` is the caller's to close


def _with_mark(encoding: str) -> str:
    return "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding


def _header(feed: _Feed, reader: Any, name: str, delimiter: str, encoding: str) -> list[str]:
    feed.start()
    try:
        header = [column.strip() for column in next(reader)]
    except StopIteration:
        raise DataError(f"{name} is empty; its first line must name the columns.") from None
    except (csv.Error, _Unclosed):
        raise DataError(f"The first line of {name} is no CSV header: {feed.taken[0][:200]!r}.") from None
    if feed.cut:
        raise DataError(f"The first line of {name} is longer than {MAX_LINE} characters; it must name the columns.")
    if not header:
        raise DataError(f"The first line of {name} is empty; it must name the columns.")
    if any(_SURROGATE.search(column) for column in header):
        raise DataError(f"The header of {name} is not {encoding}. Say what the file is with --encoding.")
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice or not all(header):
        fault = f"names {twice} twice" if twice else "leaves a column without a name"
        raise DataError(f"The header of {name} {fault}: {header}.")
    others = [other for other in ",;\t|" if other != delimiter and other in header[0]]
    if len(header) == 1 and others:
        raise DataError(
            f"The header of {name} is one column, {header[0]!r}. "
            f"Say what parts the columns with --delimiter {others[0]!r}."
        )
    return header


def _block(feed: _Feed, reader: Any, header: list[str], encoding: str) -> Block | None:
    """The next ROWS records, or None at the end."""
    numbers: list[int] = []
    rows: list[list[str]] = []
    rejects: list[Reject] = []
    while len(rows) + len(rejects) < ROWS:
        number = feed.start()
        try:
            row = next(reader)
        except StopIteration:
            break
        except (csv.Error, _Unclosed):
            first = feed.keep_first()
            rejects.append(Reject(number, UNCLOSED, _shown(first)))
            continue
        if not row:
            continue
        reason = _fault(row, feed, len(header), encoding)
        if reason:
            rejects.append(Reject(number, reason, _shown("".join(feed.taken))))
        else:
            numbers.append(number)
            rows.append(row)
    if not rows and not rejects:
        return None
    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    frame = pd.DataFrame(
        {column: pd.Series(values, dtype="str") for column, values in zip(header, columns, strict=True)}
    )
    return Block(
        np.array(numbers, np.int64), frame, lambda at: dict(zip(header, rows[at], strict=True)), tuple(rejects)
    )


def _fault(row: list[str], feed: _Feed, width: int, encoding: str) -> str:
    """Why a record is none, or ""."""
    if feed.cut:
        return f"longer than {MAX_LINE} characters"
    text = "".join(feed.taken)
    if not text.isascii() and _SURROGATE.search(text):
        return f"not {encoding}: say what the file is with --encoding"
    if len(row) != width:
        return "more fields than the header" if len(row) > width else "fewer fields than the header"
    return ""


def _shown(line: str) -> str:
    """Bytes that were no text as \\udc.. escapes, which can be stored."""
    return line.rstrip("\r\n").encode("utf-8", "backslashreplace").decode()
