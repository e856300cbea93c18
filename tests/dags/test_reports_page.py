"""The drift reports in the real Airflow app: for whoever is signed in, nothing but the reports, in a sandbox."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from nextpick.store import drift
from nextpick_airflow import reports

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
NIGHT = datetime(2025, 11, 13, 5, tzinfo=UTC)
FILE = "2025-11-13/050000.html"
PATHS = ("/nextpick/", "/nextpick/reports/1", f"/nextpick/files/{FILE}")
ODD = "<script>alert('kind')</script>"


@pytest.fixture
def root(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reports lie, with the file of one night."""
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    root = tmp_path / "reports" / "drift"
    (root / "2025-11-13").mkdir(parents=True)
    (root / FILE).write_text("<html>Evidently's</html>")
    (tmp_path / "secrets.json").write_text("the-secret")
    return root


@pytest.fixture
def viewer(airflow: Any, root: Path) -> TestClient:
    client = TestClient(airflow, raise_server_exceptions=False)
    token = client.post("/auth/token", json={"username": "viewer", "password": "v"}).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def store(conn: psycopg.Connection, as_of: datetime = NIGHT, **changes: Any) -> int:
    report = {
        "as_of": as_of,
        "run_id": f"nightly {ODD}",
        "current_start": as_of - timedelta(days=7),
        "current_end": as_of,
        "reference_start": as_of - timedelta(days=63),
        "reference_end": as_of - timedelta(days=7),
        "release_id": None,
        "verdict": "warn",
        "reasons": [f"served_{ODD}: psi 0.412."],
        "path": FILE,
        "notified": "failed: Slack answered 404 no_service",
        "harm": "drift, no harm",
        "retrain": "not_needed",
        "taken": {"3": [120, 1000], "2": [1, 8]},
        **changes,
    }
    metrics = [
        {
            "column_name": name,
            "statistic": statistic,
            "value": value,
            "threshold": threshold,
            "noise_floor": threshold,
            "reference_n": 40_000,
            "current_n": 5_000,
            "verdict": verdict,
            "kind": "distribution",
            "nights": 3,
            "alarm": verdict == "warn",
        }
        for name, statistic, value, threshold, verdict in (
            (f"served_{ODD}", "psi", 0.412, 0.1, "warn"),
            ("interactions", "volume", -0.2, 1.0, "ok"),
            ("new_user", "psi", None, None, "too_few_rows"),
        )
    ]
    report_id = drift.save(conn, report, metrics)
    conn.commit()
    return report_id


@pytest.mark.parametrize("path", [*PATHS, "/nextpick/files/2025-11-14/050000.html", "/nextpick/models/1"])
def test_nobody_comes_in_without_a_token(airflow: Any, root: Path, path: str) -> None:
    assert TestClient(airflow).get(path).status_code == 401


@pytest.mark.parametrize("path", ["/nextpick/docs", "/nextpick/redoc", "/nextpick/openapi.json"])
def test_there_are_no_unguarded_pages_about_the_pages(airflow: Any, root: Path, path: str) -> None:
    assert TestClient(airflow).get(path).status_code == 404


def test_a_viewer_sees_the_index_the_report_and_its_file(viewer: TestClient, conn: psycopg.Connection) -> None:
    assert store(conn) == 1
    index, report, file = (viewer.get(path) for path in PATHS)
    assert (index.status_code, report.status_code, file.status_code) == (200, 200, 200)
    for part in ("Thu 2025-11-13 05:00", ">warn<", "psi 0.412, alarm above 0.100", "5,000", "404 no_service", FILE):
        assert part in index.text
    for part in ("the same weekdays", "0.412", "too few rows", "the feature", f'src="../files/{FILE}"'):
        assert part in report.text
    assert file.text == "<html>Evidently's</html>"


def test_a_cookie_of_the_ui_opens_the_pages_too(viewer: TestClient, airflow: Any) -> None:
    token = viewer.headers["Authorization"].removeprefix("Bearer ")
    assert TestClient(airflow, cookies={"_token": token}).get("/nextpick/").status_code == 200


def test_what_users_sent_is_text_on_our_pages(viewer: TestClient, conn: psycopg.Connection) -> None:
    store(conn)
    for path in PATHS[:2]:
        page = viewer.get(path)
        assert ODD not in page.text
        assert "&lt;script&gt;" in page.text
        assert "script-src" not in page.headers["Content-Security-Policy"]
        assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "release 2: 12.5 % of 8, release 3: 12.0 % of 1,000" in viewer.get("/nextpick/reports/1").text


def test_the_script_of_a_report_is_in_a_sandbox_without_airflows_cookie(viewer: TestClient) -> None:
    policy = viewer.get(PATHS[2]).headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "allow-same-origin" not in policy


@pytest.mark.parametrize(
    "path",
    [
        "..%2f..%2fsecrets.json",
        "%2e%2e/%2e%2e/secrets.json",
        "2025-11-13/..%2f..%2f..%2fsecrets.json",
        "2025-11-13/%2e%2e",
        "2025-11-13/050000.html%00",
        "2025-11-13//etc/passwd",
        "2025-11-13/secrets.json",
        "2025-11-13/050000.html%0a",
        "2025-11-14/050000.html",
        "2025-11-13/linked",
        "2025-11-15/050000.html",
        "2025-11-13/060000.html",
        "2025-11-13/070000.html",
    ],
)
def test_no_path_and_no_link_leads_to_another_file(viewer: TestClient, root: Path, path: str) -> None:
    secret = root.parents[1] / "secrets.json"
    (root / "2025-11-15").symlink_to(root / "2025-11-13")
    (root / "2025-11-13" / "060000.html").symlink_to(secret)
    (root / "2025-11-13" / "070000.html").mkdir()
    answer = viewer.get(f"/nextpick/files/{path}")
    assert (answer.status_code, "secret" in answer.text) == (404, False)


@pytest.mark.parametrize("night", ["..", "../..", "2025-11-13/../../..", "", ".", "2025-11-13\n"])
def test_what_a_client_would_not_even_send_leads_nowhere(root: Path, night: str) -> None:
    (root.parents[1] / "050000.html").write_text("the-secret")
    assert reports.html_file(root, night, "050000.html") is None
    assert reports.html_file(root, "2025-11-13", f"{night}/050000.html") is None


def test_a_viewer_sees_the_pages_on_models_newest_first_and_in_the_sandbox(viewer: TestClient, root: Path) -> None:
    assert "version" not in viewer.get("/nextpick/").text
    models = root.parent / "models"
    models.mkdir()
    for version in ("2", "10"):
        (models / f"{version}.html").write_text(f"lists of {version}")
    index, page = viewer.get("/nextpick/").text, viewer.get("/nextpick/models/10")
    assert index.index('href="models/10"') < index.index('href="models/2"')
    assert (page.text, page.headers["Content-Security-Policy"]) == (
        "lists of 10",
        reports.EVIDENTLYS["Content-Security-Policy"],
    )
    assert viewer.get("/nextpick/models/3").status_code == 404
    for headers in (viewer.get("/nextpick/").headers, page.headers):
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize("version", ["..%2f..%2fsecrets", "%2e%2e", "0", "7", "08", "secrets", "8%00", ".8.html.new"])
def test_no_version_and_no_link_leads_to_another_file(viewer: TestClient, root: Path, version: str) -> None:
    models = root.parent / "models"
    models.mkdir()
    for name in ("0", "08", "secrets", ".8.html.new"):
        (models / f"{name}.html").write_text("secret")
    (models / "7.html").symlink_to(root.parents[1] / "secrets.json")
    answer = viewer.get(f"/nextpick/models/{version}")
    assert (answer.status_code, "secret" in answer.text) == (404, False)


def test_a_report_that_is_not_there_is_404(viewer: TestClient) -> None:
    assert viewer.get("/nextpick/reports/7").status_code == 404


def test_an_index_without_reports_says_how_to_get_one(viewer: TestClient) -> None:
    assert "nextpick drift" in viewer.get("/nextpick/").text


def test_a_report_whose_html_was_removed_says_so(viewer: TestClient, conn: psycopg.Connection, root: Path) -> None:
    store(conn)
    (root / FILE).unlink()
    assert "has been removed" in viewer.get("/nextpick/reports/1").text
    assert "files/" not in viewer.get("/nextpick/").text


def test_two_nights_are_compared_the_earlier_one_first(viewer: TestClient, conn: psycopg.Connection) -> None:
    later = store(conn)
    only = '<option value="'
    assert only not in viewer.get("/nextpick/").text  # one report alone is compared with nothing
    earlier = store(conn, as_of=NIGHT - timedelta(days=1), verdict="ok", harm=None)
    assert viewer.get("/nextpick/").text.count(only) == 4
    page = viewer.get("/nextpick/compare", params={"a": later, "b": earlier}).text
    assert page.index(f"reports/{earlier}") < page.index(f"reports/{later}")
    assert "<script>" not in page
    assert "drift, no harm" in page
    assert page.count("0.412") == 2
    assert viewer.get("/nextpick/compare", params={"a": later, "b": 999}).status_code == 404
    assert viewer.get("/nextpick/compare", params={"a": "x", "b": later}).status_code == 422


def test_older_reports_are_a_page_away(viewer: TestClient, conn: psycopg.Connection) -> None:
    for day in range(reports.PAGE + 3):
        store(conn, as_of=NIGHT - timedelta(days=day))
    first = viewer.get("/nextpick/").text
    assert first.count('href="reports/') == reports.PAGE
    link = first.split('href="?')[1].split('"')[0]
    assert viewer.get(f"/nextpick/?{link}").text.count('href="reports/') == 3


def test_an_outage_of_the_database_is_told_without_its_password_and_leaves_the_files(
    viewer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", "postgresql://nextpick:hush@127.0.0.1:9/nextpick")
    answer = viewer.get("/nextpick/")
    assert answer.status_code == 503
    assert "Cannot connect to Postgres at nextpick@127.0.0.1:9/nextpick" in answer.text
    assert "hush" not in answer.text
    assert viewer.get(PATHS[2]).status_code == 200


def test_a_database_without_our_tables_is_told_too(
    viewer: TestClient, monkeypatch: pytest.MonkeyPatch, server_url: str
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", server_url)
    answer = viewer.get("/nextpick/")
    assert (answer.status_code, "UndefinedTable" in answer.text) == (503, True)


def test_the_page_has_an_entry_of_its_own_in_the_navigation(viewer: TestClient) -> None:
    (plugin,) = [p for p in viewer.get("/api/v2/plugins").json()["plugins"] if p["name"] == "nextpick"]
    (view,) = [v for v in plugin["external_views"] if v["name"] == "Drift"]
    assert (view["name"], view["category"], view["url_route"]) == ("Drift", None, "nextpick-drift")
    assert viewer.get(view["href"]).status_code == 200


@pytest.mark.parametrize("pages", ["reports", "home", "inspector", "inspector_lists"])
def test_a_process_of_airflow_that_shows_no_page_imports_nothing_for_it(pages: str) -> None:
    heavy = {"fastapi", "jinja2", "numpy", "pandas", "evidently", "lightgbm", "mlflow", "scipy", "psycopg", "airflow"}
    code = f"import sys, nextpick_airflow.{pages}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(PLUGINS)}, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
