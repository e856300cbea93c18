"""What Postgres knows of drift and alerts is on /metrics, the same from every process, and stays there in an outage."""

from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest

from nextpick.local import ports
from nextpick.store import alerts
from serving.metrics import Metrics
from serving.standing import Standing

pytestmark = pytest.mark.anyio
REPORT = """
    INSERT INTO nextpick.drift_reports (as_of, run_id, current_start, current_end, reference_start, reference_end,
                                        verdict, harm, reasons, notified)
    VALUES (%(at)s, 'r', %(at)s, %(at)s, %(at)s, %(at)s, %(verdict)s, %(harm)s, '{}', 'sent') RETURNING report_id"""
MEASURE = """
    INSERT INTO nextpick.drift_metrics (report_id, place, column_name, statistic, value, threshold, reference_n,
                                        current_n, verdict, nights)
    VALUES (%s, %s, %s, 'psi', %s, %s, 100, 100, %s, %s)"""
Row = tuple[str, float | None, float | None, str, int]


def write(conn: psycopg.Connection, day: int, verdict: str, harm: str | None, rows: list[Row]) -> None:
    at = datetime(2025, 11, day, 5, tzinfo=UTC)
    found = conn.execute(REPORT, {"at": at, "verdict": verdict, "harm": harm}).fetchone()
    assert found is not None
    for place, row in enumerate(rows):
        conn.execute(MEASURE, (found[0], place, *row))
    conn.commit()


def gauges(metrics: Metrics) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    wanted = ("nextpick_drift", "nextpick_alerts", "nextpick_figures")
    return {name: float(value) for name, _, value in lines if name.startswith(wanted)}


async def test_two_processes_tell_the_newest_reports_figures_and_forget_what_is_no_longer_watched(
    conn: psycopg.Connection, database_url: str
) -> None:
    write(conn, 12, "alarm", "drift, no harm", [("price", 0.4, 0.1, "alarm", 2), ("gone", 0.2, 0.1, "warn", 1)])
    write(conn, 11, "ok", None, [("older", 0.01, 0.1, "ok", 1)])
    alerts.record(conn, "drift", "x", "failed: Slack answered 404 no_service")
    alerts.record(conn, "drift", "x", "sent")
    conn.commit()
    meters = [Metrics(), Metrics()]
    processes = [Standing(database_url, one) for one in meters]
    told = []
    for process, one in zip(processes, meters, strict=True):
        await process.read()
        told.append(gauges(one))
    assert told[0].pop("nextpick_figures_read_timestamp_seconds") > 1.7e9
    told[1].pop("nextpick_figures_read_timestamp_seconds")
    assert told[0] == told[1]
    assert told[0] == {
        'nextpick_drift_value{column="price",statistic="psi"}': 0.4,
        'nextpick_drift_value{column="gone",statistic="psi"}': 0.2,
        'nextpick_drift_threshold{column="price",statistic="psi"}': 0.1,
        'nextpick_drift_threshold{column="gone",statistic="psi"}': 0.1,
        'nextpick_drift_nights{column="price",statistic="psi"}': 2.0,
        'nextpick_drift_nights{column="gone",statistic="psi"}': 1.0,
        'nextpick_drift_verdict{verdict="alarm"}': 1.0,
        'nextpick_drift_harm{harm="drift, no harm"}': 1.0,
        "nextpick_drift_report_timestamp_seconds": datetime(2025, 11, 12, 5, tzinfo=UTC).timestamp(),
        "nextpick_alerts_failed": 1.0,
    }
    write(conn, 13, "ok", None, [("price", 0.02, 0.1, "ok", 1), ("few", None, None, "too_few_rows", 1)])
    await processes[0].read()
    after = gauges(meters[0])
    assert after['nextpick_drift_nights{column="price",statistic="psi"}'] == 0.0
    assert {name for name in after if "gone" in name or 'alarm"' in name or "harm=" in name} == set()
    assert 'nextpick_drift_value{column="few",statistic="psi"}' not in after
    processes[0]._url = f"postgresql://127.0.0.1:{ports.free()}/away"
    await processes[0].read()
    assert gauges(meters[0]) == after


async def test_they_are_on_metrics_though_there_is_no_report_yet(client: httpx.AsyncClient, app: Any) -> None:
    for _ in range(100):
        text = (await client.get("/metrics")).text
        if "nextpick_figures_read_timestamp_seconds 1." in text:
            break
        await app.state.service.keyring.poll()
    assert "nextpick_figures_read_timestamp_seconds 1." in text
    assert "nextpick_drift_report_timestamp_seconds 0.0" in text
    assert "nextpick_alerts_failed 0.0" in text
