"""Files go in whole or not at all, and only once."""

import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from nextpick.data import csv_lines
from nextpick.data.incoming import EventForm, ItemForm
from nextpick.data.moments import TimeForm
from nextpick.data.readers import FileForm
from nextpick.errors import DataError, StoreError
from nextpick.stages import load
from nextpick.stages.load import Report
from nextpick.store import events, items, loads
from tests.published import catalogue, interactions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FUTURE = datetime(2100, 1, 1, tzinfo=UTC)


def run(
    conn: psycopg.Connection, event_file: Path | None, item_file: Path | None = None, **options: Any
) -> list[Report]:
    values: dict[str, Any] = {"now": NOW, "max_bad_share": 0.01, **options}
    return load.run(conn, event_file, item_file, **values)


def csv_file(folder: Path, *rows: str, name: str = "events.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(["user_id,item_id,kind,occurred_at", *rows, ""]))
    return path


def row(number: int, at: str = "2025-05-05T05:05:05Z") -> str:
    return f"u{number},i{number},view,{at}"


def stored(conn: psycopg.Connection) -> pd.DataFrame:
    conn.rollback()
    return events.read(conn, before=FUTURE)


def count(conn: psycopg.Connection, table: str) -> int:
    conn.rollback()
    found = conn.execute(f"SELECT count(*) FROM nextpick.{table}").fetchone()  # noqa: S608
    conn.rollback()
    assert found is not None
    return found[0]


def test_events_and_items_of_a_file_are_stored(conn: psycopg.Connection, tmp_path: Path) -> None:
    events_file, items_file = tmp_path / "events.parquet", tmp_path / "items.parquet"
    interactions().to_parquet(events_file)
    catalogue().assign(colour="red").drop(columns="attributes").to_parquet(items_file)
    of_items, of_events = run(conn, events_file, items_file)
    assert (of_items.new, of_items.known, of_events.new, of_events.known) == (30, 0, 961, 0)
    conn.rollback()
    expected = interactions().sort_values(["occurred_at", "event_id"], ignore_index=True)
    pd.testing.assert_frame_equal(stored(conn), expected, check_dtype=False)
    there = items.read(conn)
    assert json.loads(there["attributes"].iloc[0]) == {"colour": "red"}
    assert list(there["title"]) == list(catalogue().sort_values("item_id")["title"])


def test_the_same_rows_are_the_same_events_in_every_format(conn: psycopg.Connection, tmp_path: Path) -> None:
    frame = interactions().drop(columns="event_id").head(200)
    frame = pd.concat([frame, frame.head(3)])  # three rows twice: they are different events
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    texts = frame.assign(occurred_at=frame["occurred_at"].astype("str"))
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in texts.to_dict("records")))
    new = [run(conn, tmp_path / f"a.{suffix}")[0].new for suffix in ("csv", "parquet", "jsonl", "csv")]
    assert new == [203, 0, 0, 0]
    assert count(conn, "events") == 203


def test_a_file_that_grew_adds_only_what_is_new(conn: psycopg.Connection, tmp_path: Path) -> None:
    assert run(conn, csv_file(tmp_path, row(1), row(2), row(2)))[0].new == 3
    (report,) = run(conn, csv_file(tmp_path, row(2), row(3), row(1), row(2), row(2)))
    assert (report.new, report.known) == (2, 3)
    ids = stored(conn)["event_id"]
    assert sorted(event_id.rsplit("-", 1)[1] for event_id in ids) == ["0", "0", "0", "1", "2"]


def test_rows_alike_far_apart_in_a_file_are_different_events(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_lines, "ROWS", 3)
    path = csv_file(tmp_path, *[row(n % 4) for n in range(20)])
    assert run(conn, path)[0].new == 20
    assert run(conn, path)[0].new == 0


def test_an_id_that_stands_twice_counts_once(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    line = {"user_id": "u", "item_id": "i", "kind": "view", "occurred_at": "2025-01-01T00:00:00Z", "event_id": "e"}
    path.write_text(json.dumps(line) + "\n" + json.dumps({**line, "user_id": "v"}))
    (report,) = run(conn, path)
    assert (report.read, report.new, report.known) == (2, 1, 1)
    assert list(stored(conn)["user_id"]) == ["u"]


def test_bad_rows_go_into_quarantine_with_reason_and_line(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = csv_file(tmp_path, row(1), "u,i\0,view,2025-01-01T00:00:00Z", "u,i", row(2), row(3, "soon"))
    (report,) = run(conn, path, max_bad_share=0.6)
    assert (report.read, report.new) == (5, 2)
    assert report.quarantined == {
        "item_id holds a NUL character": 1,
        "fewer fields than the header": 1,
        "occurred_at is not an ISO 8601 time": 1,
    }
    rows = conn.execute(
        "SELECT line_number, reason, line FROM nextpick.quarantine WHERE load_id = %s ORDER BY 1", [report.load_id]
    ).fetchall()
    assert [line[:2] for line in rows] == [
        (3, "item_id holds a NUL character"),
        (4, "fewer fields than the header"),
        (6, "occurred_at is not an ISO 8601 time"),
    ]
    assert rows[0][2]["item_id"] == "i\u2400"
    assert rows[1][2] == "u,i"
    assert rows[2][2]["occurred_at"] == "soon"


def test_a_load_leaves_a_row_that_accounts_for_every_line(conn: psycopg.Connection, tmp_path: Path) -> None:
    run(conn, csv_file(tmp_path, row(1), row(1), row(2, "x")), max_bad_share=0.5)
    run(conn, csv_file(tmp_path, row(1), row(3)))
    rows = conn.execute(
        "SELECT source, rows_read, events_new, events_known, quarantined, dropped, shift_days, finished_at IS NOT NULL "
        "FROM nextpick.loads ORDER BY load_id"
    ).fetchall()
    source = str(tmp_path / "events.csv")
    assert rows == [(source, 3, 2, 0, 1, {}, 0, True), (source, 2, 1, 1, 0, {}, 0, True)]


def test_over_the_threshold_nothing_is_loaded_and_the_reasons_are_told(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, *[row(n) for n in range(97)], row(97, "soon"), row(98, "later"), ",i,view,")
    catalogue().to_parquet(tmp_path / "items.parquet")
    with pytest.raises(DataError) as raised:
        run(conn, path, tmp_path / "items.parquet", max_bad_share=0.02)
    assert str(raised.value).splitlines() == [
        f"3 of 100 rows of {path} cannot be used (3.0%), more than the 2.0% that load.max_bad_share in params.yaml or "
        "--max-bad allows. Nothing was loaded. Reasons:",
        "  2 x occurred_at is not an ISO 8601 time; first in line 99: "
        '{"user_id": "u97", "item_id": "i97", "kind": "view", "occurred_at": "soon"}',
        "  1 x user_id is missing; first in line 101: "
        '{"user_id": "", "item_id": "i", "kind": "view", "occurred_at": ""}',
    ]
    assert [count(conn, table) for table in ("events", "event_ids", "items", "loads", "quarantine")] == [0] * 5
    assert run(conn, path, max_bad_share=0.03)[0].new == 97


def test_where_no_row_of_the_first_block_is_good_the_rest_is_not_read(
    conn: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (csv_lines, load):
        monkeypatch.setattr(module, "ROWS", 10)
    path = csv_file(tmp_path, *[row(n, "2025-01-01 00:00:00") for n in range(1000)])
    with pytest.raises(DataError, match=r"(?s)None of the first 10 rows .* say which with --timezone; first in line 2"):
        run(conn, path)
    assert run(conn, path, forms=(EventForm(times=TimeForm(timezone="UTC")), ItemForm(), FileForm()))[0].new == 1000


def test_items_that_no_catalogue_lists_are_called_by_their_id_until_one_does(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    run(conn, csv_file(tmp_path, row(1), row(2)))
    (tmp_path / "items.csv").write_text("item_id,title,price\ni1,First,2.50\ni9,Ninth,\n")
    assert list(items.read(conn)["title"]) == ["i1", "i2"]
    conn.rollback()
    (report,) = run(conn, None, tmp_path / "items.csv")
    assert (report.are_items, report.read, report.new) == (True, 2, 2)
    assert list(items.read(conn)["title"]) == ["First", "i2", "Ninth"]
    conn.rollback()
    run(conn, csv_file(tmp_path, row(1, "2025-06-06T00:00:00Z")))
    assert list(items.read(conn)["title"]) == ["First", "i2", "Ninth"]
    conn.rollback()
    assert run(conn, None, tmp_path / "items.csv")[0].known == 2


def test_one_file_may_hold_both_events_and_items(conn: psycopg.Connection, tmp_path: Path) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(
        "user_id,item_id,kind,occurred_at,title\nu,i,buy,2025-01-01T00:00:00Z,Item\nu,j,buy,never,J\n,k,b,2025-01-01,K\n"
    )
    of_items, of_events = run(conn, path, path, max_bad_share=0.7)
    assert (of_items.new, of_events.new, sum(of_events.quarantined.values())) == (3, 1, 2)
    assert of_items.load_id != of_events.load_id
    assert count(conn, "quarantine") == 2
    assert set(items.read(conn)["attributes"]) == {"{}"}  # who bought it is nothing about the item


def test_a_postgres_that_cannot_take_the_load_says_why(
    conn: psycopg.Connection, server_url: str, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, row(1))
    with (
        psycopg.connect(server_url) as bare,
        pytest.raises(StoreError, match=r"lacks what a load needs \(relation .*Migrate it: `make run` does"),
    ):
        run(bare, path)
    limited = csv_file(tmp_path, *[row(n) for n in range(50_000)], name="many.csv")
    conn.execute("SET temp_file_limit = '100kB'")
    conn.execute("SET work_mem = '64kB'")
    conn.commit()
    with pytest.raises(StoreError, match=r"did not take the load: temporary file size exceeds.*Load again"):
        run(conn, limited)
    assert count(conn, "events") == 0


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_connection_is_left_as_it_came(conn: psycopg.Connection, tmp_path: Path, autocommit: bool) -> None:
    conn.autocommit = autocommit
    path = csv_file(tmp_path, row(1))
    run(conn, path)
    with pytest.raises(DataError, match="There is no file"):
        run(conn, tmp_path / "absent.csv")
    assert conn.autocommit == autocommit
    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    left = conn.execute("SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'").fetchall()
    assert left == []


def test_a_transaction_of_the_callers_is_refused_not_committed(conn: psycopg.Connection, tmp_path: Path) -> None:
    conn.execute("SELECT 1")
    with pytest.raises(StoreError, match=r"without an open transaction\. Commit or roll back first"):
        run(conn, csv_file(tmp_path, row(1)))


def test_two_loads_at_once_end_as_one_after_the_other(database_url: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path, *[row(n, f"20{20 + n % 5}-0{1 + n % 9}-01T00:00:00Z") for n in range(3000)])
    reports: list[Report] = []

    def one() -> None:
        with psycopg.connect(database_url) as conn:
            reports.extend(run(conn, path))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((report.new, report.known) for report in reports) == [(0, 3000)] * 3 + [(3000, 0)]
    with psycopg.connect(database_url) as conn:
        assert count(conn, "events") == 3000


def test_a_load_that_is_killed_has_changed_nothing_and_holds_nobody_up(database_url: str, tmp_path: Path) -> None:
    path = csv_file(tmp_path, row(1))
    script = (
        "import os, sys, psycopg\n"
        "from nextpick.store import loads\n"
        "import tests.integration.load.test_files as t\n"
        "loads.record = lambda *_: os._exit(9)\n"
        "with psycopg.connect(sys.argv[1]) as conn: t.run(conn, t.Path(sys.argv[2]))"
    )
    root = Path(__file__).resolve().parents[3]
    killed = subprocess.run([sys.executable, "-c", script, database_url, str(path)], cwd=root, env=dict(os.environ))
    assert killed.returncode == 9
    with psycopg.connect(database_url) as conn:
        assert [count(conn, table) for table in ("events", "event_ids", "items", "loads")] == [0] * 4
        assert run(conn, path)[0].new == 1


def test_a_load_waits_for_the_one_before_it(database_url: str, tmp_path: Path) -> None:
    done = threading.Event()

    def second() -> None:
        with psycopg.connect(database_url) as conn:
            run(conn, csv_file(tmp_path, row(1)))
        done.set()

    with psycopg.connect(database_url, autocommit=True) as conn:
        with loads.one_at_a_time(conn):
            thread = threading.Thread(target=second)
            thread.start()
            assert not done.wait(1)
        thread.join(20)
    assert done.is_set()
