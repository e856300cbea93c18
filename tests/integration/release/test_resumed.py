"""A release whose builder was killed and gone on with has the very bytes of one that was built in peace."""

import os
import signal
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import psycopg
import pytest

from nextpick.store import blocks, items
from tests.published import Version, catalogue, fill, publish

ROOT = Path(__file__).resolve().parents[3]
KILLED = """
import sys
from pathlib import Path
from time import sleep

import psycopg

from nextpick.release import source
from tests.published import Version, publish

real, blocks = source.Source.lists, []

def lists(self, conn, user_ids):
    blocks.append(user_ids)
    return hanging(real(self, conn, user_ids))

def hanging(parts):
    yield from parts
    if len(blocks) == 2:  # its rows are with Postgres, uncommitted
        print("half-way", flush=True)
        sleep(600)

source.Source.lists = lists
with psycopg.connect(sys.argv[1]) as conn:
    publish(conn, Version("1", Path(sys.argv[2]), sys.argv[3]))
"""


def content(conn: psycopg.Connection, release_id: int) -> dict[str, bytes]:
    """What a release is, without its number: COPY's own bytes, in an order of their own."""
    queries = {
        "lists": "SELECT user_id, item_rows, scores, generator_scores, generator_ranks, history_rows, history_counts, "
        "history_weights, history_first, history_last FROM nextpick.lists WHERE release_id = %s "
        'ORDER BY user_id COLLATE "C"',
        "items": "SELECT item_row, item_id, title, categories, price, features FROM nextpick.release_items "
        "WHERE release_id = %s ORDER BY item_row",
        "similar": "SELECT item_row, similar_rows, similar_scores FROM nextpick.release_similar WHERE release_id = %s "
        "ORDER BY item_row",
        "charts": "SELECT chart, category, item_rows FROM nextpick.release_charts WHERE release_id = %s "
        "ORDER BY chart, category",
    }
    found = {}
    for name, query in queries.items():
        data = BytesIO()
        with conn.cursor() as cur, cur.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)", (release_id,)) as copy:
            for piece in copy:
                data.write(piece)
        found[name] = data.getvalue()
    return found


@pytest.fixture
def world(conn: psycopg.Connection) -> psycopg.Connection:
    """The world, with one item hidden; statements commit by themselves."""
    fill(conn)
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = 'tea-03'")
    conn.commit()
    conn.autocommit = True
    return conn


def test_killed_in_the_middle_of_a_block_and_gone_on_with(
    world: psycopg.Connection, database_url: str, version: Version
) -> None:
    arguments = [database_url, str(version.bundle_dir), version.bundle_sha256]
    child = subprocess.Popen([sys.executable, "-c", KILLED, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        assert "half-way\n" in child.stdout
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert list(blocks.to_do(world, 1)) == [1, 2]
    # what is hidden or done meanwhile is the next release's: all blocks are as of the plan
    world.execute("UPDATE nextpick.items SET hidden = NOT hidden WHERE item_id IN ('tea-03', 'tea-01')")
    items.upsert(world, catalogue().assign(price=1.0))
    assert publish(world, version) == 1
    world.execute("UPDATE nextpick.items SET hidden = NOT hidden WHERE item_id IN ('tea-03', 'tea-01')")
    items.upsert(world, catalogue())
    in_peace = publish(world, version, users_per_block=100)
    killed, whole = content(world, 1), content(world, in_peace)
    assert {name: len(data) > 100 for name, data in whole.items()} == dict.fromkeys(whole, True)
    assert killed == whole
