"""A user's rows become the schema's, or are refused with the first reason that holds."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from nextpick.data import incoming
from nextpick.data.blocks import Block, Reject
from nextpick.data.incoming import Checked, EventForm, ItemForm
from nextpick.data.moments import TimeForm
from nextpick.errors import ConfigError, DataError
from nextpick.schema import EVENT_COLUMNS, ITEM_COLUMNS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVENT: dict[str, Any] = {"user_id": "u", "item_id": "i", "kind": "view", "occurred_at": "2025-12-31T00:00:00Z"}


def block(*rows: dict[str, Any], dtype: str | None = "object", rejects: tuple[Reject, ...] = ()) -> Block:
    keys = dict.fromkeys(key for row in rows for key in row)
    frame = pd.DataFrame({key: pd.Series([row.get(key) for row in rows], dtype=dtype) for key in keys})
    return Block(np.arange(2, 2 + len(rows)), frame, lambda at: rows[at], rejects)


def event(form: EventForm | None = None, **changes: Any) -> dict[str, Any] | str:
    """The one event as it would be stored, or the reason against it."""
    return outcome(incoming.check_events(block({**EVENT, **changes}), form or EventForm(), NOW))


def item(form: ItemForm | None = None, **row: Any) -> dict[str, Any] | str:
    return outcome(incoming.check_items(block({"item_id": "i", **row}), form or ItemForm()))


def outcome(checked: Checked) -> dict[str, Any] | str:
    assert checked.read == 1
    return checked.rejects[0].reason if checked.rejects else checked.good.iloc[0].to_dict()


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


def test_events_have_the_schemas_columns_and_types_from_text_as_from_values() -> None:
    for dtype in ("object", "str"):
        checked = incoming.check_events(block({**EVENT, "value": "2.5"}, dtype=dtype), EventForm(), NOW)
        assert list(checked.good) == [*EVENT_COLUMNS, "digest"]
        assert checked.good["value"].iloc[0] == 2.5
        assert str(checked.good["occurred_at"].dtype) == "datetime64[us, UTC]"
        assert checked.good["event_id"].isna().all()
        assert len(checked.good["digest"].iloc[0]) == 32


@pytest.mark.parametrize("field", ["user_id", "item_id"])
@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("a", "a"),
        (" a", " a"),
        (17850, "17850"),
        (17850.0, "17850"),
        (np.int64(5), "5"),
        (Decimal("5"), "5"),
        (b"caf\xc3\xa9", "café"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (2**70, str(2**70)),
        ("x" * 256, "x" * 256),
    ],
)
def test_ids_are_text_unchanged_and_whole_numbers(field: str, written: Any, stored: str) -> None:
    found = event(**{field: written})
    assert isinstance(found, dict)
    assert found[field] == stored


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "user_id is missing"),
        ("", "user_id is missing"),
        (float("nan"), "user_id is missing"),
        (1.5, "user_id is neither text nor a whole number"),
        (True, "user_id is neither text nor a whole number"),
        (["a"], "user_id is neither text nor a whole number"),
        (b"\xff", "user_id is neither text nor a whole number"),
        (math.inf, "user_id is neither text nor a whole number"),
        (Decimal("Infinity"), "user_id is neither text nor a whole number"),
        ("x" * 257, "user_id is longer than 256 characters"),
        ("a\0b", "user_id holds a NUL character"),
    ],
)
def test_what_is_no_id_is_refused(written: Any, reason: str) -> None:
    assert event(user_id=written) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "k" * 65}, "kind is longer than 64 characters"),
        ({"kind": None}, "kind is missing"),
        ({"occurred_at": None}, "occurred_at is missing"),
        ({"occurred_at": ""}, "occurred_at is missing"),
        ({"occurred_at": "2025-13-01T00:00:00Z"}, "occurred_at is not an ISO 8601 time"),
        ({"occurred_at": "2026-01-01T00:06:00Z"}, "occurred_at is in the future"),
        ({"occurred_at": "1970-01-20T00:00:00Z"}, "occurred_at is before 1980: is the unit right?"),
        ({"value": "x"}, "value is not a finite number"),
        ({"value": "1,5"}, "value is not a finite number"),
        ({"value": "inf"}, "value is not a finite number"),
        ({"value": "nan"}, "value is not a finite number"),
        ({"value": math.inf}, "value is not a finite number"),
        ({"value": True}, "value is not a finite number"),
        ({"value": [1]}, "value is not a finite number"),
        ({"event_id": "e" * 257}, "event_id is longer than 256 characters"),
        ({"item_id": None, "value": "x"}, "item_id is missing"),
    ],
)
def test_a_bad_row_is_refused_for_the_first_reason(changes: dict[str, Any], reason: str) -> None:
    assert event(**changes) == reason


def test_a_clock_may_be_a_little_ahead() -> None:
    assert isinstance(event(occurred_at="2026-01-01T00:05:00Z"), dict)


@pytest.mark.parametrize(("written", "stored"), [(1, 1.0), ("-2.5e3", -2500.0), (Decimal("1.25"), 1.25), (" 3 ", 3.0)])
def test_values_are_numbers_however_written(written: Any, stored: float) -> None:
    found = event(value=written)
    assert isinstance(found, dict)
    assert found["value"] == stored


@pytest.mark.parametrize("written", [None, "", float("nan"), pd.NA])
def test_a_value_may_be_missing(written: Any) -> None:
    found = event(value=written)
    assert isinstance(found, dict)
    assert math.isnan(found["value"])


def test_a_kind_is_that_of_the_row_or_else_the_given_one() -> None:
    rows = block(EVENT, {**EVENT, "kind": ""}, {**EVENT, "kind": None}, {**EVENT, "kind": 3})
    assert list(incoming.check_events(rows, EventForm(kind="buy"), NOW).good["kind"]) == ["view", "buy", "buy", "3"]
    without = block({key: value for key, value in EVENT.items() if key != "kind"})
    assert list(incoming.check_events(without, EventForm(kind="buy"), NOW).good["kind"]) == ["buy"]


def test_an_event_id_is_kept_and_an_empty_one_is_none() -> None:
    rows = block({**EVENT, "event_id": "e1"}, {**EVENT, "event_id": ""})
    ids = incoming.check_events(rows, EventForm(), NOW).good["event_id"]
    assert ids.iloc[0] == "e1"
    assert ids.isna().iloc[1]


def test_fields_may_go_by_other_names_and_other_columns_are_left() -> None:
    row = {"userId": 1, "movieId": 2, "rating": 4.0, "timestamp": 964982703, "user_id": "not this"}
    columns = incoming.columns(
        ["user_id=userId", "item_id=movieId", "occurred_at=timestamp", "value=rating"], EVENT_COLUMNS
    )
    found = event_of(row, EventForm(columns, "rating", TimeForm("seconds")))
    assert (found["user_id"], found["item_id"], found["kind"], found["value"]) == ("1", "2", "rating", 4.0)
    assert found["occurred_at"] == pd.Timestamp("2000-07-30T18:45:03Z")


def event_of(row: dict[str, Any], form: EventForm) -> dict[str, Any]:
    found = outcome(incoming.check_events(block(row), form, NOW))
    assert isinstance(found, dict)
    return found


def test_rejects_of_reading_and_of_checking_are_in_the_files_order() -> None:
    rows = block({**EVENT, "user_id": ""}, EVENT, {**EVENT, "value": "x"}, rejects=(Reject(3, "ragged", "a,b"),))
    checked = incoming.check_events(rows, EventForm(), NOW)
    assert [(reject.number, reject.reason) for reject in checked.rejects] == [
        (2, "user_id is missing"),
        (3, "ragged"),
        (4, "value is not a finite number"),
    ]
    assert checked.rejects[2].line["value"] == "x"
    assert checked.read == 4


def test_a_column_that_is_needed_or_named_must_be_there() -> None:
    there = block({"userId": 1, "item_id": 2, "when": 3})
    with pytest.raises(DataError) as raised:
        incoming.require_columns(there, EventForm(), "x.csv")
    assert str(raised.value) == (
        "x.csv has no column 'kind', 'occurred_at', 'user_id'; it has 'userId', 'item_id', 'when'. Say which is meant: "
        "--column kind=... --column occurred_at=... --column user_id=... or --kind for a kind that all rows have."
    )
    with pytest.raises(DataError, match=r"no column 'amout'.*--column value="):
        incoming.require_columns(block(EVENT), EventForm({"value": "amout"}), "x.csv")
    with pytest.raises(DataError, match=r"no column 'sku'.*--item-column item_id="):
        incoming.require_columns(there, ItemForm({"item_id": "sku"}), "x.csv")
    incoming.require_columns(block(EVENT), EventForm(), "x.csv")


@pytest.mark.parametrize("pair", ["user_id", "user_id=", "usr=u", "=u"])
def test_a_pair_that_maps_nothing_is_refused(pair: str) -> None:
    with pytest.raises(ConfigError, match=r"maps no column; write field=column with a field of .*user_id"):
        incoming.columns([pair], EVENT_COLUMNS)


def test_a_kind_that_cannot_be_stored_is_refused() -> None:
    with pytest.raises(ConfigError, match="1 to 64 characters, not 65"):
        EventForm(kind="k" * 65)
    with pytest.raises(ConfigError, match=r"The kind 'a\\udc80' holds characters that are no text"):
        EventForm(kind="a\udc80")  # as a shell hands on a byte that is no UTF-8


def test_categories_need_something_between_them() -> None:
    with pytest.raises(ConfigError, match="The category separator is empty"):
        ItemForm(separator="")


def test_items_have_the_schemas_columns_and_all_else_is_an_attribute() -> None:
    found = item(title="A", categories="x| y ||", price="2.5", published_at="2020-01-01T00:00:00Z", colour="red", n=1)
    assert isinstance(found, dict)
    assert list(found) == list(ITEM_COLUMNS)
    assert (found["title"], found["categories"], found["price"]) == ("A", ["x", "y"], 2.5)
    assert found["published_at"] == pd.Timestamp("2020-01-01T00:00:00Z")
    assert json.loads(found["attributes"]) == {"colour": "red", "n": 1}


def test_an_item_needs_nothing_but_its_id() -> None:
    found = item(title="", price=None, size=float("nan"), tags=[])
    assert isinstance(found, dict)
    assert (found["title"], found["categories"], found["attributes"]) == ("i", [], "{}")
    assert math.isnan(found["price"])
    assert pd.isna(found["published_at"])


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ([1, "a", None], [1, "a", None]),
        ({"a": {"b": 1.5}}, {"a": {"b": 1.5}}),
        (np.array([1, 2]), [1, 2]),
        (Decimal("1.5"), "1.5"),
        (date(2020, 1, 1), "2020-01-01"),
        (math.inf, None),
        (False, False),
        ("\\u0000", "\\u0000"),
    ],
)
def test_attributes_are_json(value: Any, stored: Any) -> None:
    found = item(extra=value)
    assert isinstance(found, dict)
    assert json.loads(found["attributes"]) == {"extra": stored}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"item_id": ""}, "item_id is missing"),
        ({"price": "-1"}, "price is negative"),
        ({"price": "cheap"}, "price is not a finite number"),
        ({"title": "a\0"}, "title holds a NUL character"),
        ({"title": ["a"]}, "title is no text"),
        ({"categories": 5.5}, "categories is neither text nor a list of text"),
        ({"categories": ["a", None]}, "categories is neither text nor a list of text"),
        ({"categories": "a\0|b"}, "categories holds a NUL character"),
        ({"published_at": "soon"}, "published_at is not an ISO 8601 time"),
        ({"extra": "a\0"}, "an attribute holds a NUL character"),
        ({"extra": nested(900)}, "an attribute is nested too deeply, or out of range"),
    ],
)
def test_a_bad_item_is_refused(row: dict[str, Any], reason: str) -> None:
    assert item(**row) == reason


def test_categories_may_be_lists_or_parted_otherwise() -> None:
    for written in (["a", " b "], ("a", "b"), np.array(["a", "b"], object)):
        found = item(categories=written)
        assert isinstance(found, dict)
        assert found["categories"] == ["a", "b"]
    found = item(ItemForm(separator=" > "), categories="a > b")
    assert isinstance(found, dict)
    assert found["categories"] == ["a", "b"]


def test_a_block_without_rows_is_checked_too() -> None:
    empty = Block(np.array([], np.int64), pd.DataFrame({"user_id": pd.Series([], dtype="str")}), lambda at: None)
    assert incoming.check_events(empty, EventForm(), NOW).read == 0
    assert incoming.check_items(empty, ItemForm()).read == 0


def test_the_window_of_times_moves_with_now() -> None:
    late = incoming.check_events(block(EVENT), EventForm(), NOW - timedelta(days=30))
    assert outcome(late) == "occurred_at is in the future"
