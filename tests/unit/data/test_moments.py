"""Times come out in UTC or with the reason why not; nothing is guessed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nextpick.data.moments import TimeForm, parse
from nextpick.errors import ConfigError

NO_ZONE = "t has no time zone: say which with --timezone"
NO_UNIT = "t is a number: say in which unit with --time-unit"


def one(value: Any, dtype: str | None = "str", **form: Any) -> str:
    """The moment as ISO text, or the reason."""
    moments, reasons = parse(pd.Series([value], dtype=dtype), TimeForm(**form), "t")
    assert str(moments.dtype) == "datetime64[us, UTC]"
    return reasons.iloc[0] or ("" if pd.isna(moments.iloc[0]) else moments.iloc[0].isoformat())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2020-01-01T05:00:00Z", "2020-01-01T05:00:00+00:00"),
        (" 2020-01-01 05:00:00.123456789+02:00 ", "2020-01-01T03:00:00.123456+00:00"),
        ("2020-01-01T05:00-0130", "2020-01-01T06:30:00+00:00"),
        ("2020-01-01T05:00:00", NO_ZONE),
        ("2020-01-01", NO_ZONE),
        ("", ""),
        (None, ""),
        ("now", "t is not an ISO 8601 time"),
        ("today", "t is not an ISO 8601 time"),
        ("NaT", "t is not an ISO 8601 time"),
        ("2020-02-30T00:00:00Z", "t is not an ISO 8601 time"),
        ("12/1/2010 8:26", "t is not an ISO 8601 time"),
        ("1430623510", NO_UNIT),
        ("20200101", NO_UNIT),
        ("2020", NO_UNIT),
        ("-1.5", NO_UNIT),
    ],
)
def test_a_text_is_iso_8601_with_its_zone(written: str, expected: str) -> None:
    assert one(written) == expected


def test_a_text_without_a_zone_is_in_the_one_given() -> None:
    assert one("2020-07-01T12:00:00", timezone="Europe/London") == "2020-07-01T11:00:00+00:00"
    assert one("2020-07-01T12:00:00+05:00", timezone="Europe/London") == "2020-07-01T07:00:00+00:00"
    assert one("2020-01-01", timezone="UTC") == "2020-01-01T00:00:00+00:00"


def test_where_clocks_go_back_the_first_of_two_hours_is_meant() -> None:
    assert one("2020-10-25T01:30:00", timezone="Europe/London") == "2020-10-25T00:30:00+00:00"


def test_where_clocks_go_forward_a_time_may_not_exist() -> None:
    reason = "t does not exist in Europe/London: clocks went forward"
    assert one("2020-03-29T01:30:00", timezone="Europe/London") == reason


def test_a_format_reads_what_iso_8601_does_not() -> None:
    assert one("12/1/2010 8:26", form="%m/%d/%Y %H:%M", timezone="UTC") == "2010-12-01T08:26:00+00:00"
    assert one("20200101", form="%Y%m%d", timezone="UTC") == "2020-01-01T00:00:00+00:00"
    assert one("1.2.2020 5:00 +0100", form="%d.%m.%Y %H:%M %z") == "2020-02-01T04:00:00+00:00"
    assert one("12/1/2010 8:26", form="%m/%d/%Y %H:%M") == NO_ZONE
    assert one("2020-01-01T00:00:00Z", form="%m/%d/%Y %H:%M") == "t is not in the time format given"


@pytest.mark.parametrize(
    ("written", "unit", "expected"),
    [
        ("1430623510", "seconds", "2015-05-03T03:25:10+00:00"),
        ("1430623510.25", "seconds", "2015-05-03T03:25:10.250000+00:00"),
        ("1430623510123", "milliseconds", "2015-05-03T03:25:10.123000+00:00"),
        ("-1", "seconds", "1969-12-31T23:59:59+00:00"),
        ("1e300", "seconds", "t is out of range"),
        ("2020-01-01T00:00:00Z", "seconds", "t is not a number of seconds"),
        ("nan", "milliseconds", "t is not a number of milliseconds"),
        ("", "seconds", ""),
    ],
)
def test_a_number_is_counted_in_the_unit_given(written: str, unit: str, expected: str) -> None:
    assert one(written, unit=unit) == expected


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "object"])
def test_numbers_of_any_type_need_a_unit(dtype: str) -> None:
    assert one(1430623510, dtype) == NO_UNIT
    assert one(1430623510, dtype, unit="seconds") == "2015-05-03T03:25:10+00:00"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2020, 1, 1, 5, tzinfo=UTC), "2020-01-01T05:00:00+00:00"),
        (datetime(2020, 1, 1, 5), "2020-01-01T05:00:00+00:00"),  # noqa: DTZ001
        (date(2020, 1, 1), "2020-01-01T00:00:00+00:00"),
        ("2020-01-01T05:00:00", "2020-01-01T05:00:00+00:00"),
        (Decimal("5"), NO_UNIT),
        (True, "t is not a time"),
        ([1], "t is not a time"),
        (None, ""),
        (float("nan"), ""),
    ],
)
def test_a_column_may_mix_what_it_holds(value: Any, expected: str) -> None:
    moments, reasons = parse(pd.Series([value, "2021-01-01T00:00:00Z"], dtype="object"), TimeForm(timezone="UTC"), "t")
    assert (reasons.iloc[0] or ("" if pd.isna(moments.iloc[0]) else moments.iloc[0].isoformat())) == expected
    assert moments.iloc[1] == pd.Timestamp("2021-01-01", tz="UTC")


def test_datetime_columns_are_taken_as_they_are() -> None:
    aware = pd.Series([pd.Timestamp("2020-01-01T05:00", tz="Asia/Tokyo"), pd.NaT])
    moments, reasons = parse(aware, TimeForm(), "t")
    assert moments.iloc[0] == pd.Timestamp("2019-12-31T20:00", tz="UTC")
    assert list(reasons) == ["", ""]
    naive = pd.Series([pd.Timestamp("2020-07-01T05:00"), pd.NaT])
    assert list(parse(naive, TimeForm(), "t")[1]) == [NO_ZONE, ""]
    assert parse(naive, TimeForm(timezone="Europe/London"), "t")[0].iloc[0].hour == 4


def test_a_year_beyond_9999_is_out_of_range_however_it_is_written() -> None:
    far = pd.Series(np.array(["20000-01-01"], "datetime64[us]")).dt.tz_localize("UTC")
    assert list(parse(far, TimeForm(), "t")[1]) == ["t is out of range"]
    assert one(5 * 10**14, "int64", unit="milliseconds") == "t is out of range"
    farther = pd.Series(np.array([2**60, 0], "datetime64[ms]"))  # more than microseconds can count
    for written in (farther, farther.dt.tz_localize("UTC")):
        moments, reasons = parse(written, TimeForm(timezone="UTC"), "t")
        assert list(reasons) == ["t is out of range", ""]
        assert moments.isna().tolist() == [True, False]


def test_booleans_and_nothing_at_all_are_no_times() -> None:
    assert one(True, None) == "t is not a time"
    assert parse(pd.Series([], dtype="str"), TimeForm(), "t")[0].empty


def test_forms_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ConfigError, match="time zone 'Mars/Olympus' is unknown; use an IANA name"):
        TimeForm(timezone="Mars/Olympus")
    with pytest.raises(ConfigError, match="time unit 'days' is unknown; use seconds or milliseconds"):
        TimeForm(unit="days")  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["", "%", "%Q", "%Y%Y", "%d/%m/%Y %"])
def test_a_time_format_that_is_none_is_refused_before_anything_is_read(form: str) -> None:
    with pytest.raises(ConfigError, match=r"is no time format; write one as Python's strptime has it: '%d/%m/%Y"):
        TimeForm(form=form)
