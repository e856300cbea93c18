"""Values of a user's data as the schema wants them: text ids, numbers, lists; each with why a row's value is refused.

A reason is "" where there is nothing to say against a value. Reasons name the field and never the value, so that they
can be counted; the row itself is kept beside them.
"""

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

NUL = "\0"


def ids(written: pd.Series, name: str, longest: int, *, required: bool = True) -> tuple[pd.Series, pd.Series]:
    """Ids as text, unchanged but for whole numbers written as floats; missing where none is written."""
    values = _texts(written)
    strange = values.isna() & written.notna()
    values = values.mask(values == "")
    reasons = nothing(values).mask(strange, f"{name} is neither text nor a whole number")
    if required:
        reasons = reasons.mask(values.isna() & ~strange, f"{name} is missing")
    reasons = reasons.mask((values.str.len() > longest).fillna(False), f"{name} is longer than {longest} characters")
    return values, reasons.mask(has_nul(values), f"{name} holds a NUL character")


def texts(written: pd.Series, name: str) -> tuple[pd.Series, pd.Series]:
    """Any text, numbers included; missing where none is written."""
    values = _texts(written)
    strange = values.isna() & written.notna()
    values = values.str.strip()
    reasons = nothing(values).mask(strange, f"{name} is no text").mask(has_nul(values), f"{name} holds a NUL character")
    return values.mask(values == ""), reasons


def numbers(written: pd.Series, name: str, *, negative: bool = True) -> tuple[pd.Series, pd.Series]:
    """Finite numbers as float64, NaN where none is written; below zero only where that may be."""
    if isinstance(written.dtype, pd.StringDtype):
        there = written.str.strip().fillna("") != ""
        values = pd.to_numeric(written.where(there), errors="coerce").astype("float64")
    elif pd.api.types.is_numeric_dtype(written.dtype) and not pd.api.types.is_bool_dtype(written.dtype):
        there = written.notna()
        values = written.astype("float64")
    else:
        there = written.notna() & (written != "")
        values = pd.Series([_number(value) for value in written], index=written.index, dtype="float64")
    reasons = nothing(values).mask(there & ~np.isfinite(values), f"{name} is not a finite number")
    if not negative:
        reasons = reasons.mask(values < 0, f"{name} is negative")
    return values, reasons


def lists(written: pd.Series, separator: str, name: str) -> tuple[pd.Series, pd.Series]:
    """Lists of text: what is a list already, or text parted by `separator`; empty where nothing is written."""
    values = [_list(value, separator) for value in written]
    held = pd.Series([[] if value is None else value for value in values], index=written.index, dtype="object")
    refused = pd.Series([value is None for value in values], index=written.index, dtype=bool)
    nul = pd.Series([any(NUL in text for text in value) for value in held], index=written.index, dtype=bool)
    reasons = nothing(written).mask(refused, f"{name} is neither text nor a list of text")
    return held, reasons.mask(nul, f"{name} holds a NUL character")


def first(reasons: Iterable[pd.Series]) -> pd.Series:
    """Of several reasons against each row the first."""
    there = iter(reasons)
    found = next(there)
    for more in there:
        found = found.mask(found == "", more)
    return found


def nothing(like: pd.Series) -> pd.Series:
    """No reason against any row."""
    return pd.Series("", index=like.index, dtype="str")


def has_nul(values: pd.Series) -> pd.Series:
    return values.str.contains(NUL, regex=False).fillna(False).astype(bool)


def _texts(written: pd.Series) -> pd.Series:
    """As text; missing where the value is neither text nor a whole number."""
    if isinstance(written.dtype, pd.StringDtype):
        return written.astype("str")
    if pd.api.types.is_integer_dtype(written.dtype):
        return written.astype("str") if not written.hasnans else written.astype("Int64").astype("str")
    return pd.Series([_text(value) for value in written], index=written.index, dtype="str")


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") if _is_utf8(value) else None
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, int | np.integer | UUID):
        return str(value)
    if isinstance(value, float | np.floating | Decimal) and isfinite(value) and value == int(value):
        return str(int(value))
    return None


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _number(value: Any) -> float:
    if isinstance(value, bool | np.bool_):
        return np.nan
    if isinstance(value, int | float | Decimal | np.number):
        return float(value)
    if isinstance(value, str):
        return float(pd.to_numeric(value.strip() or None, errors="coerce"))
    return np.nan


def _list(value: Any, separator: str) -> list[str] | None:
    if isinstance(value, str):
        return [text for piece in value.split(separator) if (text := piece.strip())]
    if isinstance(value, list | tuple | np.ndarray):
        texts = [_text(element) for element in value]
        return None if None in texts else [text.strip() for text in texts if text and text.strip()]
    return [] if value is None or value is pd.NA or value != value else None
