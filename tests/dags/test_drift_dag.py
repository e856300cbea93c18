"""The DAG drift_report, run by Airflow, for a night long over, and for one whose drift costs answers."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nextpick.store import drift, events, items
from tests import orchestrated, traffic
from tests.dags.conftest import buttons


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
    assert nights[0].notified == "not_asked"  # it is long over
    assert (home / "reports" / "drift" / "2025-11-13" / "050000.html").exists()


def test_where_drift_costs_answers_a_snapshot_is_asked_for_and_a_button_leads_to_the_report(
    home: Path, conn: psycopg.Connection, airflow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextpick.stages.drift_report.retrain", lambda *_: "requested")
    monkeypatch.setattr("nextpick.stages.drift_report.Asked.fresh", True)
    for tries, state in enumerate(("success", "skipped")):
        finished = orchestrated.run("drift_report", as_of="2025-11-13T05:00:00+00:00", window_days=6, reference_weeks=5)
        assert orchestrated.states(finished) == {"report": "success", "request_retrain": state}, tries
    (night,) = drift.reports(conn, 5)
    assert (night.retrain, night.reference_end - night.reference_start) == ("requested", timedelta(days=34))
    (link,) = buttons(airflow, finished, "report").values()
    assert link.endswith(f"/plugin/nextpick-drift/nextpick/reports/{night.report_id}")
