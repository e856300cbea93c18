"""The real Prometheus scrapes the real API under traffic as `nextpick replay` sends it: every query of a dashboard and
every selector of a rule finds series, nothing alarms in health, and Slack hears of an API that died."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml

from nextpick.store import alerts, kpis, pipeline_runs
from serving import standing
from tests.integration.store.test_kpis import answer
from tests.monitoring.stack import MONITORING, alertmanager, asked, firing, listener, prometheus, until
from tests.published import Version, fill, publish
from tests.serving.test_figures import write
from tests.serving.test_process import served, wait_for
from tests.serving.test_replay import order, play

pytestmark = pytest.mark.needs("prometheus", "promtool", "prometheus-alertmanager")
RELATIVE = re.compile(r"\[(\d+[smhd]|\$__\w+)\]")
SELECTOR = re.compile(r"\b(?:nextpick|alertmanager|up)[\w:]*(?:\{[^}]*\})?")
# What there is only once the fault is there: the alert's own test injects it.
FAULTY = {'nextpick_drift_verdict{verdict="alarm"}', 'nextpick_drift_verdict{verdict="broken"}'}
# Of few requests one was refused on purpose; and how quick this machine is, is no fault.
OF_FEW = {"NextPickErrorsFast", "NextPickErrorsSlow", "NextPickLatencyFast", "NextPickLatencySlow"}
NIGHTLY = ("data_prep", "retrain", "precompute", "drift_report", "housekeeping")


def queries() -> Iterator[tuple[str, str]]:
    """Where it stands, and a query as Grafana would send it."""
    for file in sorted((MONITORING / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", _concrete(target["expr"])


def selectors() -> Iterator[tuple[str, str]]:
    """Every series that a rule reads."""
    for file in sorted((MONITORING / "prometheus" / "rules").glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            for rule in group["rules"]:
                for selector in SELECTOR.findall(rule["expr"]):
                    yield rule.get("alert", rule.get("record")), selector


def _concrete(query: str) -> str:
    return RELATIVE.sub("[30s]", query).replace("$variant", ".*").replace("$release", ".*")


def world(conn: psycopg.Connection, version: Version) -> None:
    """A published release, nights that went well, a drift report, and traffic of two variants over two days."""
    now = datetime.now(UTC)
    publish(conn, version, cutoff=now)
    conn.execute(
        "INSERT INTO nextpick.live (variant, release_id, share) SELECT 'challenger', release_id, 0.5 FROM nextpick.live"
    )
    conn.execute("UPDATE nextpick.live SET share = 0.5")
    for dag in (*NIGHTLY, "tune"):
        pipeline_runs.record(conn, dag, "scheduled", "success", now - timedelta(minutes=3))
    write(conn, 12, "ok", "no drift", [("price", 0.01, 0.1, "ok", 1)])
    conn.execute("UPDATE nextpick.drift_reports SET as_of = %s", (now,))
    alerts.record(conn, "drift", "x", "sent")
    for n in range(40):
        for days in (1, 2):
            answer(conn, now - timedelta(days=days), user=f"u{n}")
            answer(conn, now - timedelta(days=days), variant="challenger", user=f"c{n}")
    conn.execute("DELETE FROM nextpick.kpi_days")  # the service has counted already, when there was nothing
    conn.commit()


def traffic(url: str) -> None:
    """A minute's of a shop, in some seconds: what `nextpick replay` sends, and what goes wrong in any."""
    users = ("tea00", "tea01", "tool00")
    orders = [order(n, users[n % 3], [f"{users[n % 3][:-2]}-0{n % 5}"], n) for n in range(60)]
    play(orders, url)
    httpx.post(f"{url}/recommend", json={"user_id": "tea03", "price": {"max": 4}}).raise_for_status()
    assert httpx.post(f"{url}/recommend", json={"nobody": 1}).status_code == 422


def test_all_that_is_shown_and_watched_has_series_and_only_a_fault_alarms(
    database_url: str, conn: psycopg.Connection, version: Version, tmp_path: Path
) -> None:
    with (
        alertmanager(tmp_path, "http://127.0.0.1:9/nowhere") as manager,
        served(database_url, tmp_path, NEXTPICK_API_OPEN_TO_LOOPBACK="true") as (url, process),
        prometheus(tmp_path, url.removeprefix("http://"), manager) as here,
    ):
        assert httpx.post(f"{url}/recommend", json={"user_id": "tea03"}).status_code == 503  # before the first release
        fill(conn)
        conn.commit()
        world(conn, version)
        wait_for(f"{url}/health/ready", 200, 60)
        until(lambda: bool(asked(here, 'nextpick_request_seconds_count{status="503"}')), "a 503 is scraped")
        traffic(url)
        kpis.count(conn, datetime.now(UTC), standing.DAYS)
        conn.commit()
        until(lambda: bool(asked(here, "nextpick_kpi_taken_share")), "what answers brought is scraped")
        traffic(url)
        lacking = [*selectors(), *queries()]

        def complete() -> bool:
            lacking[:] = [(place, query) for place, query in lacking if not _known(here, query)]
            return not lacking

        until(complete, lacking)
        assert firing(here) <= OF_FEW
        process.kill()
        until(lambda: "NextPickApiDown" in firing(here), "the alert is pending or fires")


def _known(here: str, query: str) -> bool:
    return query in FAULTY or bool(asked(here, query))


@pytest.mark.needs("amtool")
def test_an_alert_reaches_slack_in_words_with_the_way_to_a_remedy(tmp_path: Path) -> None:
    with listener() as (webhook, heard), alertmanager(tmp_path, webhook) as manager:
        rules = yaml.safe_load((MONITORING / "prometheus" / "rules" / "alerts.yml").read_text())
        rule = rules["groups"][0]["rules"][0]
        words = ["amtool", "alert", "add", f"--alertmanager.url=http://{manager}", f"alertname={rule['alert']}"]
        words += ["severity=critical", *(f"--annotation={k}={v}" for k, v in rule["annotations"].items())]
        subprocess.run(words, check=True, capture_output=True)
        until(lambda: bool(heard), "Slack is told")
        (told,) = heard[0]["attachments"]
    assert told["title"] == "NextPickApiDown"
    assert told["color"] == "danger"
    assert "Prometheus cannot reach the API." in told["text"]
    assert "docs/runbook.md#the-api-is-down" in told["text"]


def test_the_selectors_are_found() -> None:
    assert len(set(selectors())) > 40
    assert len(list(queries())) > 40
