"""What a release is built from is read item by item, or user by user, and is the same as what is read at once."""

from datetime import timedelta

import pandas as pd
import psycopg
import pytest

from nextpick.features.item_pieces import item_table_of
from nextpick.features.items import item_table
from nextpick.idmap import IdMap
from nextpick.release.lookup import microseconds
from nextpick.store import events
from tests.published import ITEMS, LAST, catalogue, fill, interactions

CUTOFF = LAST - timedelta(days=10)


@pytest.fixture
def world(conn: psycopg.Connection) -> psycopg.Connection:
    """The world of tests/published.py, with kinds that do not count, and one odd item."""
    fill(conn)
    more = interactions().head(50)
    events.insert(conn, more.assign(event_id="v" + more["event_id"], kind="view"))
    events.insert(conn, more.head(2).assign(event_id=["n1", "n2"], item_id='line\nbreak, and "quotes"'))
    conn.commit()
    return conn


def sure(conn: psycopg.Connection) -> pd.DataFrame:
    before = events.read(conn, before=CUTOFF)
    return before[before["kind"] == "purchase"]


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    columns = list(events.INTERACTION_COLUMNS)
    return frame[columns].sort_values(columns, ignore_index=True)


@pytest.mark.parametrize("rows", [1, 7, 100, 10**6])
def test_an_items_rows_are_in_one_piece_and_all_pieces_are_all_there_is(world: psycopg.Connection, rows: int) -> None:
    pieces = list(events.by_item(world, ["purchase"], CUTOFF, events.moment(world), rows))
    seen = [set(piece["item_id"]) for piece in pieces]
    assert sum(map(len, seen)) == len(set().union(*seen))
    pd.testing.assert_frame_equal(tidy(pd.concat(pieces)), tidy(sure(world)))


@pytest.mark.parametrize("rows", [1, 100, 10**6])
def test_the_item_table_of_pieces_is_that_of_the_whole_to_the_bit(world: psycopg.Connection, rows: int) -> None:
    items = IdMap((*ITEMS, "never sold"))
    pieces = events.by_item(world, ["purchase"], CUTOFF, events.moment(world), rows)
    table = item_table_of(pieces, catalogue(), items, microseconds(CUTOFF))
    whole = item_table(sure(world), catalogue(), items, microseconds(CUTOFF))
    assert table.features.tobytes() == whole.features.tobytes()
    assert (table.titles, table.categories) == (whole.titles, whole.categories)
    assert table.prices.tobytes() == whole.prices.tobytes()


def test_of_some_users_all_is_read_that_was_told_in_time(world: psycopg.Connection) -> None:
    users = ["tea01", "tool07", "nobody"]
    found = events.of_users(world, users, ["purchase"], CUTOFF, events.moment(world))
    pd.testing.assert_frame_equal(tidy(found), tidy(sure(world)[sure(world)["user_id"].isin(users)]))
    told = events.moment(world) - timedelta(hours=1)
    assert not len(events.of_users(world, users, ["purchase"], CUTOFF, told))


def test_where_there_is_nothing_there_is_one_empty_piece(conn: psycopg.Connection) -> None:
    (piece,) = events.by_item(conn, ["purchase"], CUTOFF, events.moment(conn))
    assert tuple(piece.columns) == events.INTERACTION_COLUMNS
    assert not len(piece)
