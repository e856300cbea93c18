"""The page NextPick in the real Airflow app: what it says of what is live, and of what is not there yet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from nextpick import registry
from nextpick.errors import RegistryError
from nextpick.registry import ModelVersion
from nextpick.settings import Settings
from nextpick.store import drift, pipeline_runs
from nextpick_airflow import home
from tests.dags.pages import ODD, chromium, signed_in

HOME = "/nextpick-home/"
NOW = datetime.now(UTC)
LINEAGE = {
    "data_md5": "d" * 32,
    "git_sha": "9" * 40,
    "dirty": "true",
    "mlflow_run_id": "abc123",
    "trained_until": "2025-11-12T18:00:00.000001+00:00",
    "run_id": f"nightly {ODD}",
}


@pytest.fixture
def place(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """NEXTPICK_HOME, beside an empty database and an MLflow that a password leads to."""
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    monkeypatch.setenv("NEXTPICK_MLFLOW_URL", "http://nextpick:hush@mlflow.example:5000/")
    home._told.clear()
    return tmp_path


@pytest.fixture
def viewer(airflow: Any, place: Path) -> TestClient:
    return signed_in(airflow)


def a_release(conn: psycopg.Connection, version: str, variant: str = "", share: float = 1.0, **changes: Any) -> int:
    """A release without lists, live for a variant where one is named."""
    row = {"status": "ready", "users": 4321, "items": 99, "lineage": LINEAGE, "run_id": "precompute.x", **changes}
    (release_id,) = conn.execute(
        "INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff, status, users, items,"
        " lineage, run_id) VALUES (%s, 'nowhere', %s, %s, %s, %s, %s, %s, %s) RETURNING release_id",
        (version, version, NOW, row["status"], row["users"], row["items"], Jsonb(row["lineage"]), row["run_id"]),
    ).fetchone() or (0,)
    if variant:
        conn.execute("INSERT INTO nextpick.live VALUES (%s, %s, %s)", (variant, release_id, share))
    conn.commit()
    return int(release_id)


def a_report(conn: psycopg.Connection, **changes: Any) -> int:
    moments = ("as_of", "current_start", "current_end", "reference_start", "reference_end")
    report = {
        **dict.fromkeys(moments, NOW - timedelta(hours=3)),
        "run_id": "r",
        "release_id": None,
        "verdict": "alarm",
        "reasons": [f"{ODD} moved."] * 5,
        "path": None,
        "notified": "sent",
        "harm": "drift with harm",
        "retrain": "requested",
        "taken": None,
        **changes,
    }
    report_id = drift.save(conn, report, [])
    conn.commit()
    return report_id


@pytest.mark.parametrize("path", ["", "gate", "look?id=1", "user?id=1", "lists?id=1", "item?id=1", "release?id=1"])
def test_nobody_comes_in_without_a_token(airflow: Any, place: Path, path: str) -> None:
    assert TestClient(airflow).get(HOME + path).status_code == 401


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json"])
def test_there_are_no_unguarded_pages_about_the_pages(airflow: Any, place: Path, path: str) -> None:
    assert TestClient(airflow).get(HOME + path).status_code == 404


def test_before_the_first_release_it_says_what_to_do_first(viewer: TestClient, conn: psycopg.Connection) -> None:
    first = viewer.get(HOME).text
    assert "No release is live yet" in first
    assert "nextpick load --help" in first
    assert 'href="../dags/data_prep"' in first
    conn.execute(
        "INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at) VALUES ('e','u','i','view',now())"
    )
    conn.commit()
    assert "and no snapshot of them" in viewer.get(HOME).text
    conn.execute("INSERT INTO nextpick.snapshots VALUES ('md5', now(), 7, now(), 'r')")
    conn.commit()
    assert "There is a snapshot of 7 events, and no release." in viewer.get(HOME).text
    a_release(conn, "1", status="blocked")
    assert "There are releases, and none is live" in viewer.get(HOME).text


def test_what_is_live_is_told_with_its_lineage_and_each_share(viewer: TestClient, conn: psycopg.Connection) -> None:
    a_release(conn, "7", "default", 0.9)
    a_release(conn, "8", "challenger", 0.1)
    page = viewer.get(HOME).text
    assert page.index("<td>default") < page.index("<td>challenger")
    for part in ("90.0 %", "10.0 %", "4,321", "d" * 32, "9" * 40, "with changes no commit has", "2025-11-12 18:00"):
        assert part in page
    assert 'href="http://mlflow.example:5000/#/runs/abc123"' in page
    assert "hush" not in page
    assert 'href="release?id=2"' in page


def test_what_others_wrote_is_text_and_only_our_own_script_runs(viewer: TestClient, conn: psycopg.Connection) -> None:
    a_release(conn, "7", "default")
    a_report(conn)
    answer = viewer.get(HOME)
    assert ODD not in answer.text
    assert answer.text.count("&lt;img src=x") == 4  # the run that trained it, and three of five reasons
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "script-src 'sha256-" in policy
    assert "script-src 'unsafe" not in policy
    assert (answer.headers["Cache-Control"], answer.headers["Referrer-Policy"]) == ("no-store", "no-referrer")


def test_drift_and_the_runs_of_the_dags_are_told(viewer: TestClient, conn: psycopg.Connection) -> None:
    assert "There is no report yet" in viewer.get(HOME).text
    report_id = a_report(conn)
    pipeline_runs.record(conn, "retrain", "a", "success", NOW - timedelta(minutes=5))
    conn.commit()
    pipeline_runs.record(conn, "retrain", "b", "failed", NOW - timedelta(minutes=5))
    conn.commit()
    page = viewer.get(HOME).text
    for part in (
        ">alarm<",
        "drift with harm",
        "3 hours ago",
        "retraining requested",
        "and 2 more",
        ">failed<",
        "the last success",
    ):
        assert part in page
    assert f'target="_top" href="../plugin/nextpick-drift/nextpick/reports/{report_id}"' in page
    for dag in ("retrain", "precompute", "rollback", "tune", "drift_report"):
        assert f'target="_top" href="../dags/{dag}"' in page


def test_shares_taken_stand_with_how_many_answers_they_are_of(viewer: TestClient, conn: psycopg.Connection) -> None:
    assert "None was counted" in viewer.get(HOME).text
    today, old = NOW.date(), NOW.date() - timedelta(days=7)
    with conn.cursor() as cur:
        for day, release, answers, taken in ((today, 3, 1000, 120), (today, 2, 40, None), (old, 1, 5, 5)):
            cur.execute("INSERT INTO nextpick.kpi_answers VALUES (%s, 'default', %s, %s)", (day, release, answers))
            if taken:
                cur.execute(
                    "INSERT INTO nextpick.kpi_taken VALUES (%s, 'default', %s, 'click', %s, %s, 0, 0)",
                    (day, release, taken, taken),
                )
    conn.commit()
    page = viewer.get(HOME).text
    for part in ("1,000", "12.0 %", "10.1 % – 14.2 %", "<td>click", '<td class="n">40<td>none'):
        assert part in page
    assert 'href="release?id=1"' not in page  # eight days ago


def test_a_split_that_is_broken_is_told(viewer: TestClient, conn: psycopg.Connection) -> None:
    a_release(conn, "7", "default", 0.5)
    a_release(conn, "8", "challenger", 0.5)
    for days in (1, 2):
        for variant, users in (("default", 5000), ("challenger", 5010)):
            day = NOW.date() - timedelta(days=days)
            conn.execute("INSERT INTO nextpick.kpi_users VALUES (%s, %s, %s)", (day, variant, users))
    conn.commit()
    assert "The split is broken" not in viewer.get(HOME).text
    conn.execute("UPDATE nextpick.kpi_users SET users = 6000 WHERE variant = 'challenger'")
    conn.commit()
    assert "The split is broken" in viewer.get(HOME).text


def version(**changes: Any) -> ModelVersion:
    told = {"gate": "refused", "reasons": (f"ndcg@10 {ODD}",), "aliases": frozenset({"challenger"}), **changes}
    return ModelVersion("7", Path("x"), "7", {}, NOW, **told)


def test_the_last_decision_of_the_gate_is_told_and_mlflow_not_asked_all_the_time(
    viewer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def newest(settings: Settings, n: int) -> list[ModelVersion]:
        asked.append(n)
        return [version(gate="", aliases=frozenset()), version(rejected="anna: sold out", answer="approved, bo")]

    monkeypatch.setattr(registry, "newest", newest)
    part = viewer.get(f"{HOME}gate").text
    assert viewer.get(f"{HOME}gate").text == part
    assert asked == [home.VERSIONS]
    for piece in (">refused<", "now challenger", "anna: sold out", "approved, bo", "nextpick card 7"):
        assert piece in part
    assert 'href="http://mlflow.example:5000/#/models/nextpick/versions/7"' in part
    assert ODD not in part


def test_nobody_waits_long_for_an_mlflow_that_answers_nobody(
    viewer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "WAIT_SECONDS", 0.01)
    with home._asking:
        assert "It has not answered somebody else yet." in viewer.get(f"{HOME}gate").text


def test_an_mlflow_that_is_away_is_told_and_asked_again(viewer: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def newest(settings: Settings, n: int) -> list[ModelVersion]:
        raise RegistryError("MLflow at http://mlflow.example:5000/ cannot do what was asked.")

    monkeypatch.setattr(registry, "newest", newest)
    assert "MLflow cannot be asked. MLflow at http://mlflow" in viewer.get(f"{HOME}gate").text
    monkeypatch.setattr(registry, "newest", lambda settings, n: [])
    assert "There is no model version yet." in viewer.get(f"{HOME}gate").text


def test_an_outage_of_the_database_is_told_without_its_password(
    viewer: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", "postgresql://nextpick:hush@127.0.0.1:9/nextpick")
    for path in ("", "look?id=1", "user?id=1", "lists?id=1", "item?id=1", "release?id=1"):
        answer = viewer.get(HOME + path)
        assert answer.status_code == 503
        assert "Cannot connect to Postgres at nextpick@127.0.0.1:9/nextpick" in answer.text
        assert "hush" not in answer.text


def test_a_database_without_our_tables_is_told_too(
    viewer: TestClient, monkeypatch: pytest.MonkeyPatch, server_url: str
) -> None:
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", server_url)
    answer = viewer.get(HOME)
    assert (answer.status_code, "UndefinedTable" in answer.text) == (503, True)


def test_the_page_has_an_entry_of_its_own_in_the_navigation(viewer: TestClient) -> None:
    (plugin,) = [p for p in viewer.get("/api/v2/plugins").json()["plugins"] if p["name"] == "nextpick"]
    (view,) = [v for v in plugin["external_views"] if v["name"] == "NextPick"]
    assert (view["nav_top_level"], view["url_route"]) == (True, "nextpick")
    assert viewer.get(view["href"]).status_code == 200
    (drifts,) = [v for v in plugin["external_views"] if v["name"] == "Drift"]
    pictures = {one[mode] for one in (view, drifts) for mode in ("icon", "icon_dark_mode")}
    assert len(pictures) == 4  # told apart, and seen on light and on dark
    assert all(picture.startswith("data:image/svg+xml,%3Csvg") for picture in pictures)


def test_every_dag_has_its_link_and_no_other_has(bag: Any) -> None:
    assert set(home.FORMS) == set(bag.dags)


@pytest.mark.needs("chromium")
def test_in_airflow_the_page_fills_in_its_slow_part_and_its_links_lead_out_of_the_frame(
    airflow: Any, place: Path, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "newest", lambda settings, n: [version()])
    a_release(conn, "7", "default")
    report_id = a_report(conn)
    with chromium(airflow) as seen:
        seen.page.goto("/")
        seen.page.get_by_role("link", name="NextPick").first.click()
        frame = seen.page.frame_locator("iframe")
        frame.get_by_text("nextpick card 7").wait_for()
        assert frame.get_by_role("heading", name="Release 1 is live").is_visible()
        with seen.context.expect_page() as opened:
            frame.get_by_role("link", name="abc123").click()
        opened.value.close()
        assert seen.page.evaluate("window.hit") is None
        frame.locator('a[href$="dags/retrain"]').first.click()
        seen.page.wait_for_url("**/dags/retrain")
        seen.page.go_back()
        seen.page.frame_locator("iframe").locator('a[href*="nextpick-drift"]').click()
        seen.page.wait_for_url(f"**/plugin/nextpick-drift/nextpick/reports/{report_id}")
        assert [line for line in seen.faults() if "Content Security" in line] == []
