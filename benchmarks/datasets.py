"""Data to measure on: three public sets by name, or your own by path, as a snapshot's events and catalogue.

Online Retail is in the repository. The others are not ours to pass on: they are looked for in the folder that
NEXTPICK_DATA names, else in shared/data beside the checkout, in the files their publishers give.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from nextpick.data import incoming, online_retail, readers
from nextpick.data.readers import FileForm
from nextpick.errors import DataError
from nextpick.schema import EVENT_COLUMNS, EVENT_ID, ITEM_COLUMNS, ITEM_ID, KIND, OCCURRED_AT, USER_ID, VALUE

ROOT = Path(__file__).resolve().parent.parent
NAMES = ("online-retail", "completejourney", "ml-latest-small")


@dataclass(frozen=True)
class Data:
    """`events` has EVENT_COLUMNS, `catalogue` ITEM_COLUMNS; every kind of event in it counts alike."""

    events: pd.DataFrame
    catalogue: pd.DataFrame

    @property
    def kinds(self) -> dict[str, float]:
        return {str(kind): 1.0 for kind in sorted(self.events[KIND].unique())}


def load(name: str) -> Data:
    """One of NAMES, or a path: a folder with events.parquet and items.parquet, or a file of events as
    `nextpick load` takes them. Raises: DataError."""
    if name == "online-retail":
        return _online_retail()
    if name in NAMES:
        folder = Path(os.environ.get("NEXTPICK_DATA", ROOT.parent / "shared" / "data")) / name
        if not folder.is_dir():
            raise DataError(f"There is no folder {folder}. Let NEXTPICK_DATA name the folder that holds {name}.")
        return _complete_journey(folder) if name == "completejourney" else _movielens(folder)
    path = Path(name)
    if path.is_dir():
        return Data(pd.read_parquet(path / "events.parquet"), pd.read_parquet(path / "items.parquet"))
    return _own(path)


def without_last(data: Data, days: int) -> Data:
    """The data as they were so many days before the newest event."""
    at = data.events[OCCURRED_AT]
    return Data(data.events[at <= at.max() - pd.Timedelta(days=days)], data.catalogue)


def _online_retail() -> Data:
    converted = online_retail.convert(pd.read_parquet(ROOT / "data" / "sample" / "online_retail.parquet"))
    sold = converted.events[converted.events[KIND] == "purchase"]  # the rest are returns
    return Data(sold, converted.items)


def _complete_journey(folder: Path) -> Data:
    lines = pd.read_parquet(folder / "transactions.parquet")
    products = pd.read_parquet(folder / "products.parquet")
    lines = lines[lines["quantity"] > 0]
    price = (lines["sales_value"] / lines["quantity"]).groupby(lines["product_id"]).median()
    catalogue = _catalogue(
        products["product_id"], products["product_type"], products[["department", "product_category"]]
    )
    catalogue["price"] = products["product_id"].map(price).to_numpy(np.float64)
    bought = catalogue[products["product_id"].isin(lines["product_id"].unique()).to_numpy()]
    times = lines["transaction_timestamp"].dt.tz_localize("UTC")
    return Data(_events(lines["household_id"], lines["product_id"], times, "purchase"), bought.reset_index(drop=True))


def _movielens(folder: Path) -> Data:
    ratings, films = pd.read_csv(folder / "ratings.csv"), pd.read_csv(folder / "movies.csv")
    times = pd.to_datetime(ratings["timestamp"], unit="s", utc=True)
    catalogue = _catalogue(films["movieId"], films["title"], films["genres"].str.split("|", expand=True))
    return Data(_events(ratings["userId"], ratings["movieId"], times, "rating"), catalogue)


def _own(path: Path) -> Data:
    """A file of events alone: CSV, JSON lines or Parquet; a row that cannot be used is left out."""
    now, form = datetime.now(UTC), incoming.EventForm(kind="event")
    parts = [incoming.check_events(block, form, now).good for block in readers.read(path, FileForm())]
    if not sum(map(len, parts)):
        raise DataError(f"{path} has no row that can be used as an event: `nextpick load --help` names the columns.")
    events = pd.concat(parts, ignore_index=True)
    numbered = pd.Series([f"row {i}" for i in range(len(events))], dtype="str")
    events[EVENT_ID] = events[EVENT_ID].fillna(numbered)
    ids = pd.Series(sorted(events[ITEM_ID].unique()), dtype="str")
    return Data(events[list(EVENT_COLUMNS)], _catalogue(ids, ids, pd.DataFrame(index=ids.index)))


def _events(users: pd.Series, items: pd.Series, times: pd.Series, kind: str) -> pd.DataFrame:
    frame = pd.DataFrame({USER_ID: users.astype("str").array, ITEM_ID: items.astype("str").array, KIND: kind})
    frame[OCCURRED_AT] = times.array.as_unit("us")
    frame[VALUE] = np.nan
    frame[EVENT_ID] = [f"{i:09}" for i in range(len(frame))]
    return frame[list(EVENT_COLUMNS)]


def _catalogue(ids: pd.Series, titles: pd.Series, categories: pd.DataFrame) -> pd.DataFrame:
    frame = pd.DataFrame({"item_id": ids.astype("str").array, "title": titles.fillna("").astype("str").array})
    frame["categories"] = [[str(text) for text in row if isinstance(text, str)] for row in categories.to_numpy()]
    frame["price"] = np.nan
    frame["published_at"] = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    frame["attributes"] = "{}"
    return frame[list(ITEM_COLUMNS)]
