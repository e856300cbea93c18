"""Rules and configuration are what Prometheus and Alertmanager read, alarm where they should, and lead to a remedy."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "monitoring" / "prometheus"
RUNBOOK = ROOT / "docs" / "runbook.md"
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def ran(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.needs("promtool")
def test_prometheus_reads_its_configuration_and_rules() -> None:
    assert "2 rule files found" in ran("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    ran("promtool", "check", "rules", "--lint-fatal", *(PROMETHEUS / "rules").glob("*.yml"))


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_each_alert_is_silent_in_health_and_fires_at_its_fault(file: Path) -> None:
    ran("promtool", "test", "rules", file)


def test_every_alert_is_tested_to_fire() -> None:
    fired = set(re.findall(r'alertname="(\w+)"', "".join(file.read_text() for file in TESTS)))
    assert fired == {rule["alert"] for rule in alerts()}


@pytest.mark.needs("amtool")
def test_alertmanager_reads_its_configuration_and_sends_all_of_it_to_slack() -> None:
    file = ROOT / "monitoring" / "alertmanager" / "alertmanager.yml"
    assert "1 receivers" in ran("amtool", "check-config", file)
    route = ran("amtool", "config", "routes", "test", f"--config.file={file}", "severity=critical")
    assert route.strip() == "slack"
    assert "hooks.slack.com" not in file.read_text()


def test_every_alert_leads_to_a_heading_of_the_runbook_and_every_heading_to_an_alert() -> None:
    headings = {_anchor(line) for line in RUNBOOK.read_text().splitlines() if line.startswith("## ")}
    led = set()
    for rule in alerts():
        assert rule["labels"]["severity"] in ("critical", "warning"), rule
        assert rule["annotations"]["summary"].endswith("."), rule
        page, _, heading = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/runbook.md"
        led.add(heading)
    assert led == headings


def _anchor(line: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", line.removeprefix("## ").lower()).replace(" ", "-")
