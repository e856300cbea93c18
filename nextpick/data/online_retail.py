"""UCI Online Retail: invoice lines as published become events and a catalogue.

A purchase is a line of a sale, a return one of a credit note (`C...` invoices, negative quantity); `value` is the
line's total in pounds, negative for returns. Published times have no zone and are taken as UTC.
"""

from dataclasses import dataclass

import pandas as pd

from nextpick.errors import DataError
from nextpick.schema import (
    ATTRIBUTES,
    CATEGORIES,
    EVENT_COLUMNS,
    EVENT_ID,
    ITEM_COLUMNS,
    ITEM_ID,
    KIND,
    OCCURRED_AT,
    PRICE,
    PUBLISHED_AT,
    TITLE,
    USER_ID,
    VALUE,
)

LINE_COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
PRODUCT = (
    r"\d{5}[A-Z]*"  # the others: POST, DOT, C2, M, D, S, B, BANK CHARGES, AMAZONFEE, CRUK, PADS, gift_..., DCGS...
)
SERVICES = ("22016", "23444", "23702")  # a voucher, next day carriage and a picture file, numbered like goods
PURCHASE, RETURN = "purchase", "return"


@dataclass(frozen=True)
class Converted:
    """Frames of `nextpick.schema`, and why which lines are not among the events."""

    events: pd.DataFrame
    """EVENT_COLUMNS, in the lines' order; the id is invoice, stock code and the occurrence of both."""
    items: pd.DataFrame
    """ITEM_COLUMNS by id: every product sold or taken back for money, whoever the customer. There are no categories."""
    dropped: dict[str, int]
    """Reason -> lines; with the events they add up to the lines. The first reason that holds is the one counted."""


def convert(lines: pd.DataFrame) -> Converted:
    """Events, catalogue and dropped counts of invoice lines (LINE_COLUMNS).

    Raises: DataError where a column is missing.
    """
    absent = [column for column in LINE_COLUMNS if column not in lines]
    if absent:
        raise DataError(f"These are no lines of Online Retail: columns {absent} are missing, {list(lines)} are there.")
    lines = lines[list(LINE_COLUMNS)].assign(
        StockCode=lines["StockCode"].str.upper(),  # a few are written in both cases
        InvoiceDate=_utc(lines["InvoiceDate"]),
    )
    reasons = _reasons(lines)
    kept = lines[reasons == ""]
    counts = reasons[reasons != ""].value_counts()
    return Converted(_events(kept), _items(lines), {str(reason): int(count) for reason, count in counts.items()})


def _reasons(lines: pd.DataFrame) -> pd.Series:
    """Why each line is no event, or ""."""
    checks = {
        "exact duplicate of a line": lines.duplicated(),
        "not a product": ~_is_product(lines),
        "no customer": lines["CustomerID"].isna(),
        "price not positive": ~(lines["UnitPrice"] > 0),
        "quantity not positive": ~((lines["Quantity"] > 0) | _is_return(lines)),
    }
    reasons = pd.Series("", index=lines.index)
    for reason, holds in reversed(checks.items()):
        reasons = reasons.mask(holds, reason)
    return reasons


def _is_product(lines: pd.DataFrame) -> pd.Series:
    return lines["StockCode"].str.fullmatch(PRODUCT) & ~lines["StockCode"].isin(SERVICES)


def _is_return(lines: pd.DataFrame) -> pd.Series:
    return lines["InvoiceNo"].str.startswith("C") & (lines["Quantity"] < 0)


def _events(kept: pd.DataFrame) -> pd.DataFrame:
    occurrence = kept.groupby(["InvoiceNo", "StockCode"]).cumcount().astype("str")
    events = pd.DataFrame(
        {
            EVENT_ID: kept["InvoiceNo"] + "-" + kept["StockCode"] + "-" + occurrence,
            USER_ID: kept["CustomerID"].astype("int64").astype("str"),
            ITEM_ID: kept["StockCode"],
            KIND: pd.Series(PURCHASE, index=kept.index).mask(kept["Quantity"] < 0, RETURN),
            OCCURRED_AT: kept["InvoiceDate"],
            VALUE: (kept["Quantity"] * kept["UnitPrice"]).round(2).astype("float64"),
        }
    )
    return events[list(EVENT_COLUMNS)].reset_index(drop=True)


def _items(lines: pd.DataFrame) -> pd.DataFrame:
    """Corrections of the stock do not speak: they carry remarks for descriptions ("damaged?") and no price."""
    traded = (lines["Quantity"] > 0) | _is_return(lines)
    sold = lines[_is_product(lines) & traded & (lines["UnitPrice"] > 0)]
    products = sold.groupby("StockCode")
    items = pd.DataFrame(
        {
            TITLE: _most_frequent(sold),
            PRICE: products["UnitPrice"].median(),
            PUBLISHED_AT: products["InvoiceDate"].min(),
        }
    )
    items[TITLE] = items[TITLE].fillna(pd.Series(items.index, index=items.index))
    items = items.rename_axis(ITEM_ID).reset_index().assign(**{ATTRIBUTES: "{}"})
    items[CATEGORIES] = pd.Series([[] for _ in range(len(items))], index=items.index, dtype="object")
    return items[list(ITEM_COLUMNS)]


def _most_frequent(sold: pd.DataFrame) -> pd.Series:
    """The commonest description of each stock code; of equally common ones the first by alphabet."""
    named = ["StockCode", "Description"]
    counts = sold.groupby(named).size().rename("n").reset_index()
    counts["Description"] = counts["Description"].str.split().str.join(" ")
    counts = counts.groupby(named)["n"].sum().reset_index()
    counts = counts.sort_values(["n", "Description"], ascending=[False, True])
    return counts.drop_duplicates("StockCode").set_index("StockCode")["Description"]


def _utc(moments: pd.Series) -> pd.Series:
    aware = moments.dt.tz_localize("UTC") if moments.dt.tz is None else moments.dt.tz_convert("UTC")
    return aware.astype("datetime64[us, UTC]")
