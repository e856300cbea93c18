"""The DAG drift_report, run by Airflow, for a night long over."""

from pathlib import Path

import psycopg

from nextpick.store import drift, events, items
from tests import orchestrated, traffic


def test_a_night_run_twice_gives_the_same_rows_and_fails_nothing_by_its_verdict(
    home: Path, conn: psycopg.Connection
) -> None:
    items.upsert(conn, traffic.catalogue())
    events.insert(conn, traffic.events())
    conn.execute("UPDATE nextpick.events SET value = 4 * value WHERE occurred_at >= '2025-11-06'")
    conn.commit()
    nights = []
    for _ in range(2):
        finished = orchestrated.run("drift_report", as_of="2025-11-13T05:00:00+00:00")
        assert orchestrated.states(finished) == {"report": "success", "request_retrain": "skipped"}
        (night,) = drift.reports(conn, 5)
        conn.commit()
        nights.append(night)
    assert nights[0].metrics == nights[1].metrics
    assert (nights[0].verdict, nights[0].reasons) == (nights[1].verdict, nights[1].reasons)
    assert nights[0].verdict == "alarm"
    assert nights[0].notified == "not_configured"
    assert (home / "reports" / "drift" / "2025-11-13" / "050000.html").exists()
