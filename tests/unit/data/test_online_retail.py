"""Invoice lines become events and a catalogue, and every line is accounted for."""

from pathlib import Path

import pandas as pd
import pytest

from nextpick.data.online_retail import Converted, convert
from nextpick.errors import DataError
from nextpick.schema import EVENT_COLUMNS, ITEM_COLUMNS

SAMPLE = Path(__file__).resolve().parents[3] / "data" / "sample" / "online_retail.parquet"


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    return pd.read_parquet(SAMPLE)


@pytest.fixture(scope="module")
def converted(lines: pd.DataFrame) -> Converted:
    return convert(lines)


def line(**changes: object) -> dict[str, object]:
    plain = {
        "InvoiceNo": "536365",
        "StockCode": "85123A",
        "Description": "WHITE HANGING HEART  T-LIGHT HOLDER ",
        "Quantity": 6,
        "InvoiceDate": pd.Timestamp("2010-12-01 08:26"),
        "UnitPrice": 2.55,
        "CustomerID": 17850,
        "Country": "United Kingdom",
    }
    return {**plain, **changes}


def frame(*lines: dict[str, object]) -> pd.DataFrame:
    return pd.DataFrame(lines).astype({"CustomerID": "Int64"})


def test_a_line_of_a_sale_is_a_purchase() -> None:
    event = convert(frame(line())).events.iloc[0]
    assert event.to_dict() == {
        "event_id": "536365-85123A-0",
        "user_id": "17850",
        "item_id": "85123A",
        "kind": "purchase",
        "occurred_at": pd.Timestamp("2010-12-01 08:26", tz="UTC"),
        "value": 15.3,
    }


def test_a_line_of_a_credit_note_is_a_return_of_negative_value() -> None:
    events = convert(frame(line(), line(InvoiceNo="C536379", Quantity=-1))).events
    assert list(events["kind"]) == ["purchase", "return"]
    assert events["value"].iloc[1] == -2.55


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"StockCode": "POST"}, "not a product"),
        ({"StockCode": "23444", "Description": "Next Day Carriage"}, "not a product"),
        ({"StockCode": "gift_0001_10"}, "not a product"),
        ({"CustomerID": None}, "no customer"),
        ({"UnitPrice": 0.0}, "price not positive"),
        ({"Quantity": -2}, "quantity not positive"),
        ({"StockCode": "M", "CustomerID": None, "UnitPrice": 0.0}, "not a product"),
    ],
)
def test_a_dropped_line_counts_under_the_first_reason_that_holds(change: dict[str, object], reason: str) -> None:
    converted = convert(frame(line(), line(**change)))
    assert converted.dropped == {reason: 1}
    assert len(converted.events) == 1


def test_an_exact_duplicate_is_dropped_and_a_line_that_differs_stays() -> None:
    converted = convert(frame(line(), line(), line(Quantity=1)))
    assert converted.dropped == {"exact duplicate of a line": 1}
    assert list(converted.events["event_id"]) == ["536365-85123A-0", "536365-85123A-1"]


def test_a_title_is_the_commonest_description_of_what_was_traded() -> None:
    items = convert(
        frame(
            line(StockCode="85123a", UnitPrice=2.0),
            line(Description="CREAM HANGING HEART", UnitPrice=4.0, InvoiceDate=pd.Timestamp("2010-11-30")),
            line(UnitPrice=3.0, Quantity=7),
            *[line(Description="damaged?", Quantity=-n, UnitPrice=0.0, CustomerID=None) for n in range(1, 5)],
        )
    ).items
    assert len(items) == 1
    item = items.iloc[0]
    assert (item["item_id"], item["title"]) == ("85123A", "WHITE HANGING HEART T-LIGHT HOLDER")
    assert item["price"] == 3.0
    assert item["published_at"] == pd.Timestamp("2010-11-30", tz="UTC")


def test_lines_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match=r"columns \['CustomerID'\] are missing"):
        convert(frame(line()).drop(columns="CustomerID"))


def test_every_line_of_the_sample_is_accounted_for(lines: pd.DataFrame, converted: Converted) -> None:
    assert len(lines) == 541_909
    assert len(converted.events) + sum(converted.dropped.values()) == len(lines)
    assert converted.dropped == {
        "no customer": 133_960,
        "exact duplicate of a line": 5_268,
        "not a product": 3_075,
        "price not positive": 33,
    }
    assert converted.events["kind"].value_counts().to_dict() == {"purchase": 391_068, "return": 8_505}


def test_the_samples_frames_have_the_schemas_columns_and_types(converted: Converted) -> None:
    events, items = converted.events, converted.items
    assert list(events) == list(EVENT_COLUMNS)
    assert list(items) == list(ITEM_COLUMNS)
    assert str(events["occurred_at"].dtype) == str(items["published_at"].dtype) == "datetime64[us, UTC]"
    assert events["event_id"].is_unique
    assert items["item_id"].is_unique
    assert not events.isna().any(axis=None)
    assert not items.isna().any(axis=None)
    assert set(events["item_id"]) <= set(items["item_id"])


def test_no_title_of_the_sample_is_a_remark_of_the_warehouse(converted: Converted) -> None:
    titles = converted.items["title"]
    assert titles[~titles.str.contains("[A-Z]{2}", regex=True)].tolist() == [
        "*Boombox Ipod Classic",
        "Dr. Jam's Arouzer Stress Ball",
        "Dad's Cab Electronic Meter",
    ]
