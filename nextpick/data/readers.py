"""Open a user's own file: CSV, JSON lines or Parquet, told by its name or said outright."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from nextpick.data import csv_lines, json_lines, parquet_rows
from nextpick.data.blocks import Block
from nextpick.errors import DataError

Format = Literal["csv", "json", "parquet"]
BY_SUFFIX: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_BEGINNINGS = {  # of what it is not
    b"PAR1": "Parquet: name it .parquet, or say --format parquet",
    b"PK\x03\x04": "a zip archive or an Excel sheet: save it as CSV",
    b"\x1f\x8b": "compressed with gzip: decompress it first",
    b"\xff\xfe": "UTF-16: say --encoding utf-16, or save it as UTF-8",
    b"\xfe\xff": "UTF-16: say --encoding utf-16, or save it as UTF-8",
}


@dataclass(frozen=True)
class FileForm:
    """How a file is written; what is None is told by its name."""

    format: Format | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None


def read(path: Path, form: FileForm) -> Iterator[Block]:
    """The file's rows, block by block; it is open while they are read.

    Raises: DataError where it is absent, no file, empty, or not of its format; ConfigError for options that are wrong.
    """
    kind = form.format or BY_SUFFIX.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"What is {path}? Its name ends in none of {', '.join(BY_SUFFIX)}; say --format.")
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder; name one file.")
        if path.exists() and not path.is_file():
            raise DataError(f"{path} is a pipe or a device; save what it gives as a file first.")
        with path.open("rb") as raw:
            size = path.stat().st_size
            if not size:
                raise DataError(f"{path} is empty.")
            _require(kind, form.encoding, raw, path)
            yield from _blocks(kind, form, raw, size, path)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}.") from None
    except OSError as error:
        raise DataError(f"Cannot read {path}: {error.strerror or error}.") from None


def _require(kind: Format, encoding: str, raw: BinaryIO, path: Path) -> None:
    """Refuse what is plainly something else: as text it would only be millions of bad rows."""
    start = raw.read(4)
    raw.seek(0)
    if kind == "parquet":
        return  # its reader knows
    for beginning, what in _BEGINNINGS.items():
        if start.startswith(beginning) and not (beginning[0] >= 0xFE and "16" in encoding):
            raise DataError(f"{path} is {what}.")


def _blocks(kind: Format, form: FileForm, raw: BinaryIO, size: int, path: Path) -> Iterator[Block]:
    if kind == "parquet":
        return parquet_rows.read(raw, str(path))
    if kind == "json":
        return json_lines.read(raw, size, str(path))
    delimiter = form.delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
    return csv_lines.read(raw, size, form.encoding, delimiter, str(path))
