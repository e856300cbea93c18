"""The code of the schema revision before this one goes on working on this schema: a rolling upgrade, and a way back.

`revision_0001/` holds its queries about releases as they were. What that code said beside them, to make, fill and
attach a generation, stands here. Whoever writes a migration keeps this true, or replaces what no code says any more.
Revision 0003 adds a table and nothing else: what the code of 0002 says is what today's code says of all other tables.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

FORMER = Path(__file__).parent / "revision_0001"
AT = datetime(2025, 11, 12, tzinfo=UTC)
Say = Callable[..., psycopg.Cursor[Any]]


def queries(family: str) -> Mapping[str, str]:
    _, *pieces = re.split(r"^-- name: (\w+)\n", (FORMER / f"{family}.sql").read_text(), flags=re.MULTILINE)
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


@pytest.fixture
def say(conn: psycopg.Connection) -> Say:
    def say(text: str, **given: Any) -> psycopg.Cursor[Any]:
        return conn.execute(text, given)  # type: ignore[arg-type]

    return say


def test_each_of_its_queries_still_has_a_plan(say: Say) -> None:
    planned = 0
    for file in FORMER.glob("*.sql"):
        for query in queries(file.stem).values():
            body = re.sub(r"%\(\w+\)s", "NULL", re.sub(r"--.*", "", query)).strip()
            assert say(f"EXPLAIN {body}").fetchall()
            planned += 1
    assert planned > 25


def test_it_still_builds_publishes_and_reads_a_release(conn: psycopg.Connection, say: Say) -> None:
    release, lists = queries("releases"), queries("lists")
    bundle = {"model_version": "1", "bundle_uri": "/b", "bundle_sha256": "0" * 64}
    ((number,),) = say(release["begin"], cutoff=AT, lineage="{}", **bundle).fetchall()
    rows = {
        ("lists", "user_id"): (number, "u", [0], [1.0], [1.0], [0], [0], [1], [1.0], [1], [1]),
        ("release_items", "item_row"): (number, 0, "tea", "Tea", ["tea"], 3.0, [1.0]),
    }
    for (name, key), row in rows.items():
        parent, table = f"nextpick.{name}", f"nextpick.{name}_{number}"
        say(f"CREATE TABLE {table} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        with conn.cursor().copy(f"COPY {table} FROM STDIN") as copy:  # type: ignore[arg-type]
            copy.write_row(row)
        say(f"ALTER TABLE {table} ADD PRIMARY KEY ({key})")
        say(f"ALTER TABLE {parent} ATTACH PARTITION {table} FOR VALUES IN ({number})")
    assert say(release["mark_ready"], release_id=number, users=1, items=1).rowcount == 1
    say(release["flip"], variant="default", release_id=number)
    assert say(release["live"], variant="default").fetchall()[0][0] == number
    asked = {"release_id": number, "user_id": "u", "cutoff": AT, "kinds": ["purchase"], "limit": 10}
    assert say(lists["read"], **asked).fetchall()[0][0] == [0]
    assert say(lists["items"], release_id=number).fetchall() == [(0, "tea", "Tea", ["tea"], 3.0, [1.0])]
