"""A shop of somebody else's, in a database of its own."""

import os
from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from psycopg import sql

SHOP = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, sku text, paid numeric, sold_at timestamptz, local_time
    timestamp, seconds bigint);
INSERT INTO orders SELECT n, n % 10, 'sku-' || n % 7, n * 1.5, moment, moment AT TIME ZONE 'Europe/Paris',
    extract(epoch FROM moment)
FROM generate_series(1, 100) AS n,
    LATERAL (SELECT '2025-06-01T00:00Z'::timestamptz + n * interval '1 hour') AS m (moment);
CREATE TABLE goods (sku text, name text, labels text[], price numeric, colour text);
INSERT INTO goods SELECT 'sku-' || n, 'Good ' || n, ARRAY['a', 'b'], n, 'red' FROM generate_series(0, 6) AS n;
"""
_numbers = count()


@pytest.fixture
def shop_url(server_url: str) -> Iterator[str]:
    """A Postgres with 100 orders, one an hour since June 2025, and 7 goods; not NextPick's."""
    name = f"shop_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = server_url.removesuffix("postgres") + name
        with psycopg.connect(url) as shop:
            shop.execute(SHOP)
        yield url
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
