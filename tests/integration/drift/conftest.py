"""A shop that does not change, and a Slack that hears of it."""

from collections.abc import Iterator

import psycopg
import pytest

from nextpick.store import events, items
from tests import traffic
from tests.slack_server import Slack, slack_server


@pytest.fixture
def shop(conn: psycopg.Connection) -> psycopg.Connection:
    """The unchanging shop, loaded."""
    items.upsert(conn, traffic.catalogue())
    events.insert(conn, traffic.events())
    conn.commit()
    return conn


@pytest.fixture
def server() -> Iterator[Slack]:
    with slack_server() as running:
        yield running
