"""Times as a user's data writes them, brought to UTC or refused with a reason. Nothing is guessed.

A text is ISO 8601 (or in the format given); without a zone of its own it is in the zone given, or refused. A number,
digits alone among them, is refused unless its unit is given.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from nextpick.errors import ConfigError

TimeUnit = Literal["seconds", "milliseconds"]
US_PER_UNIT = {"seconds": 1_000_000, "milliseconds": 1_000}
UTC_DTYPE = "datetime64[us, UTC]"
_DATE = r"\d{4}-\d\d-\d\d"
_ZONED = r"[Tt ]\d\d.*(?:[Zz]|[+-]\d\d(?::?\d\d)?)$"
_NUMBER = r"[+-]?\d+(?:\.\d+)?$"
_FIRST, _LAST = pd.Timestamp("0001-01-01", tz="UTC"), pd.Timestamp("9999-12-31T23:59:59", tz="UTC")  # Python's own


@dataclass(frozen=True)
class TimeForm:
    """How times are written. `timezone` is an IANA name, for times that bear none; `form` a strptime format."""

    unit: TimeUnit | None = None
    timezone: str | None = None
    form: str | None = None

    def __post_init__(self) -> None:
        if self.unit is not None and self.unit not in US_PER_UNIT:
            raise ConfigError(f"The time unit {self.unit!r} is unknown; use seconds or milliseconds.")
        if self.timezone is not None:
            try:
                ZoneInfo(self.timezone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                raise ConfigError(
                    f"The time zone {self.timezone!r} is unknown; use an IANA name such as UTC or Europe/London."
                ) from None
        if self.form is not None:
            try:
                pd.to_datetime(pd.Series(["x"]), format=self.form or "%", errors="coerce")
            except (ValueError, re.error):
                raise ConfigError(
                    f"{self.form!r} is no time format; write one as Python's strptime has it: '%d/%m/%Y %H:%M'."
                ) from None


def parse(written: pd.Series, form: TimeForm, name: str) -> tuple[pd.Series, pd.Series]:
    """Moments (datetime64[us, UTC], NaT where none) and why there is none ("" where there is, or nothing was written).

    `written` may hold text, numbers, datetimes or a mix; `name` is the field's, for the reasons.
    """
    moments, reasons = _parsed(written, form, name)
    within = moments.isna() | moments.between(_FIRST, _LAST)
    return moments.where(within), reasons.mask(~within, f"{name} is out of range")


def _parsed(written: pd.Series, form: TimeForm, name: str) -> tuple[pd.Series, pd.Series]:
    if pd.api.types.is_datetime64_any_dtype(written.dtype):
        return _datetimes(written, form, name)
    texts, numbers = _split(written)
    if form.unit is not None:
        numbers = numbers.fillna(pd.to_numeric(texts, errors="coerce").astype("float64"))
        moments, reasons = _counted(numbers, form.unit, name)
        strange = written.notna() & numbers.isna() & (texts.fillna("x") != "")
        return moments, reasons.mask(strange, f"{name} is not a number of {form.unit}")
    number = numbers.notna()
    if form.form is None:  # else digits alone may be a date
        number |= _matching(texts, _NUMBER)
    moments, reasons = _read(texts.mask(number), form, name)
    strange = written.notna() & texts.isna() & ~number
    reasons = reasons.mask(strange, f"{name} is not a time")
    return moments, reasons.mask(number, f"{name} is a number: say in which unit with --time-unit")


def _datetimes(written: pd.Series, form: TimeForm, name: str) -> tuple[pd.Series, pd.Series]:
    zoned = isinstance(written.dtype, pd.DatetimeTZDtype)
    first, last = (_FIRST, _LAST) if zoned else (_FIRST.tz_localize(None), _LAST.tz_localize(None))
    fits = written.isna() | written.between(first, last)  # in seconds or milliseconds one may hold more
    kept = written.where(fits)
    if zoned:
        moments, reasons = kept.dt.tz_convert("UTC").astype(UTC_DTYPE), _none(written)
    else:
        moments, reasons = _localised(kept.astype("datetime64[us]"), form, name)
    return moments, reasons.mask(~fits, f"{name} is out of range")


def _none(written: pd.Series) -> pd.Series:
    return pd.Series("", index=written.index, dtype="str")


def _split(written: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The texts (datetimes among them written out) and the numbers of a column; each missing where the other is."""
    empty = pd.Series(np.nan, index=written.index, dtype="float64")
    if pd.api.types.is_bool_dtype(written.dtype):
        return _none(written).mask(written.notna()), empty
    if pd.api.types.is_numeric_dtype(written.dtype):
        return _none(written).mask(written.notna()), written.astype("float64")
    if isinstance(written.dtype, pd.StringDtype):
        return written.str.strip(), empty
    texts = pd.Series([_text(value) for value in written], index=written.index, dtype="str").str.strip()
    return texts, pd.Series([_number(value) for value in written], index=written.index, dtype="float64")


def _text(value: Any) -> str | None:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str) else None


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else np.nan


def _counted(numbers: pd.Series, unit: TimeUnit, name: str) -> tuple[pd.Series, pd.Series]:
    microseconds = (numbers * US_PER_UNIT[unit]).round()
    fits = microseconds.between(_FIRST.timestamp() * 1e6, _LAST.timestamp() * 1e6)
    moments = pd.to_datetime(microseconds.where(fits, 0).astype("int64"), unit="us", utc=True).astype(UTC_DTYPE)
    reasons = _none(numbers).mask(numbers.notna() & ~fits, f"{name} is out of range")
    return moments.where(fits), reasons


def _read(texts: pd.Series, form: TimeForm, name: str) -> tuple[pd.Series, pd.Series]:
    """Texts with a zone as they say, texts without one in the zone given."""
    unread = texts
    if form.form is None:
        zoned = _matching(texts, _DATE + _ZONED)
        texts = texts.where(_matching(texts, _DATE))  # or pandas would read "now"
    else:
        zoned = pd.Series("%z" in form.form, index=texts.index)
    moments = pd.Series(pd.NaT, index=texts.index, dtype=UTC_DTYPE)
    reasons = _none(texts)
    written = form.form or "ISO8601"
    if zoned.any():
        moments[zoned] = pd.to_datetime(texts[zoned], format=written, errors="coerce", utc=True).astype(UTC_DTYPE)
    if (~zoned).any():
        naive = pd.to_datetime(texts[~zoned], format=written, errors="coerce").astype("datetime64[us]")
        moments[~zoned], reasons[~zoned] = _localised(naive, form, name)
    what = "is not an ISO 8601 time" if form.form is None else "is not in the time format given"
    return moments, reasons.mask(moments.isna() & (reasons == "") & (unread.fillna("") != ""), f"{name} {what}")


def _matching(texts: pd.Series, pattern: str) -> pd.Series:
    return texts.str.match(pattern).fillna(False).astype(bool)


def _localised(naive: pd.Series, form: TimeForm, name: str) -> tuple[pd.Series, pd.Series]:
    """Local times to UTC. Where clocks go back an hour comes twice and the first one is taken; where they go forward
    an hour is missing, and a time in it is no time."""
    reasons = _none(naive)
    if form.timezone is None:
        moments = pd.Series(pd.NaT, index=naive.index, dtype=UTC_DTYPE)
        return moments, reasons.mask(naive.notna(), f"{name} has no time zone: say which with --timezone")
    first = np.ones(len(naive), bool)
    local = naive.dt.tz_localize(ZoneInfo(form.timezone), ambiguous=first, nonexistent="NaT")
    skipped = local.isna() & naive.notna()
    return local.dt.tz_convert(UTC).astype(UTC_DTYPE), reasons.mask(
        skipped, f"{name} does not exist in {form.timezone}: clocks went forward"
    )
