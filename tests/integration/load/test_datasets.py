"""Three public data sets of other shapes than the sample's load with options alone; skipped where they are absent."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from nextpick.data.incoming import EventForm, ItemForm
from nextpick.data.moments import TimeForm
from nextpick.data.readers import FileForm
from nextpick.stages import load
from nextpick.stages.load import Report
from nextpick.store import items

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DATA = Path(os.environ.get("TEST_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))


def run(
    conn: psycopg.Connection, event_file: str, item_file: str | None, events: EventForm, of_items: ItemForm
) -> list[Report]:
    if not (DATA / event_file).exists():
        pytest.skip(f"{DATA / event_file} is absent; TEST_DATA may name another folder")
    files = DATA / event_file, None if item_file is None else DATA / item_file
    return load.run(conn, *files, now=NOW, max_bad_share=0.0, forms=(events, of_items, FileForm()))


def test_movielens_ratings_in_seconds_and_genres_in_one_text(conn: psycopg.Connection) -> None:
    columns = {"user_id": "userId", "item_id": "movieId", "occurred_at": "timestamp", "value": "rating"}
    of_items, of_events = run(
        conn,
        "ml-latest-small/ratings.csv",
        "ml-latest-small/movies.csv",
        EventForm(columns, "rating", TimeForm("seconds")),
        ItemForm({"item_id": "movieId", "categories": "genres"}),
    )
    assert (of_items.new, of_events.new) == (9_742, 100_836)
    film = items.read(conn).set_index("item_id").loc["1"]
    assert film["title"] == "Toy Story (1995)"
    assert film["categories"] == ["Adventure", "Animation", "Children", "Comedy", "Fantasy"]


def test_retailrocket_kinds_of_the_rows_and_no_catalogue(conn: psycopg.Connection) -> None:
    columns = {"user_id": "user", "item_id": "item", "kind": "event", "occurred_at": "ts"}
    form = EventForm(columns, times=TimeForm("seconds"))
    (report,) = run(conn, "retailrocket-events/events_train.parquet", None, form, ItemForm())
    assert report.new == 97_381
    kinds = conn.execute("SELECT kind, count(*) FROM nextpick.events GROUP BY kind").fetchall()
    assert dict(kinds) == {"view": 75_374, "cart": 12_456, "buy": 9_551}


def test_completejourney_baskets_without_a_zone(conn: psycopg.Connection, tmp_path: Path) -> None:
    columns = {
        "user_id": "household_id",
        "item_id": "product_id",
        "occurred_at": "transaction_timestamp",
        "value": "sales_value",
    }
    transactions = DATA / "completejourney" / "transactions.parquet"
    if transactions.exists():  # the first weeks; all 1.5 million lines take a minute
        pd.read_parquet(transactions).head(100_000).to_parquet(tmp_path / "transactions.parquet")
    of_items, of_events = run(
        conn,
        str(tmp_path / "transactions.parquet"),
        "completejourney/products.parquet",
        EventForm(columns, "purchase", TimeForm(timezone="UTC")),
        ItemForm({"item_id": "product_id", "title": "product_type", "categories": "product_category"}),
    )
    assert (of_items.new, of_events.read, of_events.new) == (92_331, 100_000, 100_000)
    product = items.read(conn).set_index("item_id").loc["25671"]
    assert (product["title"], product["categories"]) == ("ICE - CRUSHED/CUBED", ["FRZN ICE"])
    assert json.loads(product["attributes"])["brand"] == "National"
