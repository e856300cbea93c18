"""Parquet, a block at a time."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from nextpick.data.blocks import ROWS, Block
from nextpick.errors import DataError

# whole numbers stay whole where some are missing: as floats, long ids would lose digits
_WHOLE = {
    getattr(pa, kind.lower())(): getattr(pd, f"{kind}Dtype")()
    for kind in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
}


def read(raw: BinaryIO, name: str) -> Iterator[Block]:
    """The rows of a Parquet file, numbered from 1; decimals come as floats, dates as datetimes.

    Raises: DataError where the file is none, or is cut short.
    """
    try:
        file = parquet.ParquetFile(raw)
        total, first = file.metadata.num_rows, 1
        for batch in file.iter_batches(batch_size=ROWS):
            numbers = np.arange(first, first + batch.num_rows, dtype=np.int64)
            first += batch.num_rows
            yield Block(numbers, _frame(batch), _line(batch), done=(first - 1) / max(total, 1))
    except (pa.ArrowException, OSError, UnicodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{name} is no whole Parquet file ({reason}). Was it cut short? Copy it again.") from None


def _frame(batch: pa.RecordBatch) -> pd.DataFrame:
    columns = {}
    for column, values in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if pa.types.is_decimal(values.type):
            values = values.cast(pa.float64())
        if pa.types.is_date(values.type):
            values = values.cast(pa.timestamp("us"))
        columns[column] = values.to_pandas(types_mapper=_WHOLE.get)
    return pd.DataFrame(columns)


def _line(batch: pa.RecordBatch):  # type: ignore[no-untyped-def]
    return lambda at: {name: _value(batch.column(name)[at]) for name in batch.schema.names}


def _value(scalar: pa.Scalar) -> Any:
    """As Python has it, or as a number where it is a time that Python has not."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return getattr(scalar, "value", None)
