"""Events of another Postgres come in by a watermark: nothing twice, nothing missed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nextpick.data.incoming import EventForm, ItemForm
from nextpick.data.moments import TimeForm
from nextpick.errors import DataError, StoreError
from nextpick.stages import load_query
from nextpick.stages.load import Report
from nextpick.stages.load_query import Source
from nextpick.store import items, watermarks

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORDERS = """
-- What was sold; a semicolon and 100 % of this comment do no harm
SELECT customer AS user_id, sku AS item_id, 'purchase' AS kind, sold_at AS occurred_at, paid AS value
FROM orders WHERE sku LIKE 'sku%';
"""
Runner = Callable[..., Report]


@pytest.fixture
def run(conn: psycopg.Connection, shop_url: str, tmp_path: Path) -> Runner:
    """Load a query's events and return the report."""

    def load(query: str = ORDERS, overlap: timedelta = timedelta(0), **form: Any) -> Report:
        (tmp_path / "orders.sql").write_text(query)
        source = Source(shop_url, tmp_path / "orders.sql", overlap=overlap)
        forms = (EventForm(**form), ItemForm())
        return load_query.run(conn, source, now=NOW, max_bad_share=0.01, forms=forms)[-1]

    return load


def sell(shop_url: str, number: int, at: str) -> None:
    with psycopg.connect(shop_url) as shop:
        shop.execute(
            "INSERT INTO orders SELECT %(n)s, 1, 'sku-1', 1, m, m AT TIME ZONE 'Europe/Paris', extract(epoch FROM m) "
            "FROM (SELECT %(at)s::timestamptz) AS t (m)",
            {"n": number, "at": at},
        )


def test_the_first_time_all_is_fetched_and_then_only_what_is_new(
    run: Runner, conn: psycopg.Connection, shop_url: str
) -> None:
    first = run()
    assert (first.read, first.new) == (100, 100)
    assert watermarks.read(conn, first.source) == datetime(2025, 6, 5, 4, tzinfo=UTC)
    conn.rollback()
    sell(shop_url, 101, "2025-06-06T00:00:00Z")
    second = run()
    assert (second.read, second.new, second.known) == (2, 1, 1)
    assert (run().read, run().new) == (1, 0)


def test_what_was_committed_late_is_found_within_the_overlap(run: Runner, shop_url: str) -> None:
    run()
    sell(shop_url, 101, "2025-06-05T00:30:00Z")
    assert run().new == 0
    report = run(overlap=timedelta(hours=6))
    assert (report.read, report.new, report.known) == (8, 1, 7)


def test_the_watermark_stays_where_the_load_fails(run: Runner, conn: psycopg.Connection, shop_url: str) -> None:
    run()
    sell(shop_url, 101, "2030-01-01T00:00:00Z")
    with pytest.raises(DataError, match=r"1 x occurred_at is in the future; first in line 2"):
        run()
    with psycopg.connect(shop_url) as shop:
        shop.execute("UPDATE orders SET sold_at = '2025-06-07T00:00Z' WHERE id = 101")
    assert run().new == 1


@pytest.mark.parametrize(
    ("column", "form"),
    [
        ("local_time", TimeForm(timezone="Europe/Paris")),
        ("seconds", TimeForm("seconds")),
    ],
)
def test_times_without_a_zone_and_numbers_are_compared_as_what_they_are(
    run: Runner, conn: psycopg.Connection, shop_url: str, column: str, form: TimeForm
) -> None:
    query = f"SELECT customer, sku, {column} FROM orders"  # noqa: S608
    options = {"columns": {"user_id": "customer", "item_id": "sku", "occurred_at": column}, "kind": "purchase"}
    first = run(query, times=form, **options)
    assert first.new == 100
    assert watermarks.read(conn, first.source) == datetime(2025, 6, 5, 4, tzinfo=UTC)
    conn.rollback()
    sell(shop_url, 101, "2025-06-06T00:00:00Z")
    report = run(query, times=form, **options)
    assert (report.read, report.new) == (2, 1)


def test_a_catalogue_is_fetched_whole(conn: psycopg.Connection, shop_url: str, tmp_path: Path) -> None:
    (tmp_path / "goods.sql").write_text("SELECT sku AS item_id, name, labels AS categories, price, colour FROM goods")
    (report,) = load_query.run(
        conn,
        Source(shop_url, item_query=tmp_path / "goods.sql"),
        now=NOW,
        max_bad_share=0.0,
        forms=(EventForm(), ItemForm({"title": "name"})),
    )
    assert (report.are_items, report.new) == (True, 7)
    found = items.read(conn).iloc[3]
    assert (found["title"], found["categories"], found["price"]) == ("Good 3", ["a", "b"], 3.0)
    assert found["attributes"] == '{"colour": "red"}'


def test_a_query_cannot_write(run: Runner, shop_url: str) -> None:
    with psycopg.connect(shop_url) as shop:
        shop.execute("CREATE FUNCTION sneak() RETURNS bigint LANGUAGE sql AS 'DELETE FROM goods; SELECT 1::bigint'")
    with pytest.raises(DataError, match="cannot execute DELETE in a read-only transaction"):
        run("SELECT sneak() AS user_id, '' AS item_id, '' AS kind, now() AS occurred_at")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM nowhere", r"orders\.sql at postgres@.* failed.*relation \"nowhere\" does not exist"),
        ("SELECT 1; SELECT 2", "syntax error"),
        ("SELECT sku, sku FROM orders", "names a column twice: sku, sku. Name each with AS"),
        ("  ;\n", r"The query .*orders\.sql is empty; write one SELECT"),
        (
            "SELECT customer FROM orders",
            r"has no column 'item_id', 'kind', 'occurred_at', 'user_id'; it has 'customer'",
        ),
    ],
)
def test_a_query_that_is_wrong_says_so(run: Runner, query: str, message: str) -> None:
    with pytest.raises(DataError, match=f"(?s){message}"):
        run(query)


def test_a_query_may_find_nothing(run: Runner) -> None:
    report = run(ORDERS.replace(";", " AND false"))
    assert (report.read, report.new) == (0, 0)


def test_a_server_that_is_not_there_is_named_without_its_password(conn: psycopg.Connection, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("SELECT 1")
    source = Source("postgresql://me:secret@127.0.0.1:1/shop", tmp_path / "q.sql")
    with pytest.raises(
        StoreError, match=r"Cannot connect to Postgres at me@127\.0\.0\.1:1/shop.*--from right"
    ) as raised:
        load_query.run(conn, source, now=NOW, max_bad_share=0.0)
    assert "secret" not in str(raised.value)
    with pytest.raises(DataError, match=r"Cannot read the query .*absent\.sql: No such file"):
        load_query.run(conn, Source(source.url, tmp_path / "absent.sql"), now=NOW, max_bad_share=0.0)
