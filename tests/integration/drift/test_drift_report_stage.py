"""A night's report: figures in Postgres, an HTML beside, an alert where it is due, and the same again if run again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest

from nextpick.errors import StoreError
from nextpick.params import load_params
from nextpick.settings import Settings
from nextpick.stages import drift_report
from nextpick.stages.drift_seen import look
from nextpick.store import drift, events, impressions, sql
from nextpick.store.impressions import Impression
from tests import traffic
from tests.slack_server import Slack

NIGHT = traffic.END + timedelta(hours=11)  # Thursday, 05:00
DAY = timedelta(days=1)


def settings(tmp_path: Path, url: str | None = None) -> Settings:
    return Settings(_env_file=None, home=tmp_path, slack_webhook_url=url)


def report(
    conn: psycopg.Connection, tmp_path: Path, as_of: datetime = NIGHT, url: str | None = None, **options: Any
) -> drift_report.DriftReport:
    options.setdefault("run_id", "nightly")
    options.setdefault("now", as_of)
    return drift_report.run(conn, settings(tmp_path, url), drift_report.Asked(as_of, **options))


def raise_prices(conn: psycopg.Connection, since: datetime = traffic.END - 7 * DAY) -> None:
    conn.execute("UPDATE nextpick.events SET value = 4 * value WHERE occurred_at >= %s", (since,))
    conn.commit()


def stored(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    """Every row of both tables, but for when it was written."""
    return [
        *conn.execute("SELECT to_jsonb(r) - 'created_at' FROM nextpick.drift_reports AS r ORDER BY report_id"),
        *conn.execute("SELECT * FROM nextpick.drift_metrics ORDER BY report_id, place"),
    ]


def test_an_unchanging_shop_is_ok_by_every_column_and_that_is_what_is_stored(
    shop: psycopg.Connection, tmp_path: Path
) -> None:
    found = report(shop, tmp_path)
    assert (found.judgement.verdict, found.judgement.reasons, found.notified) == ("ok", (), "not_needed")
    assert {measure.column_name for measure in found.judgement.measures} == {
        *("interactions", "hour", "item_popularity_log", "price_log", "value_log"),
        *("user_activity_log", "kind", "new_item", "new_user", "active_users", "unknown_items"),
    }
    assert found.path is not None
    assert found.path.relative_to(tmp_path).as_posix() == "reports/drift/2025-11-13/050000.html"
    assert found.path.stat().st_size > 1_000_000
    row = drift.report_of(shop, NIGHT)
    assert row is not None
    assert (row.report_id, row.verdict, row.run_id) == (found.report_id, "ok", "nightly")
    assert (row.current_start, row.current_end) == found.windows.current
    assert [(m.column_name, m.statistic, m.value, m.threshold, m.current_n) for m in row.metrics] == [
        (m.column_name, m.statistic, m.value, m.threshold, m.current_n) for m in found.judgement.measures
    ]


def test_the_same_night_again_gives_the_same_rows_and_one_file(shop: psycopg.Connection, tmp_path: Path) -> None:
    report(shop, tmp_path)
    first = stored(shop)
    shop.commit()
    report(shop, tmp_path)
    assert stored(shop) == first
    assert len(list((tmp_path / "reports").rglob("*.*"))) == 1


def test_a_past_night_knows_nothing_of_what_came_after(shop: psycopg.Connection, tmp_path: Path) -> None:
    raise_prices(shop)
    assert report(shop, tmp_path, as_of=NIGHT).judgement.verdict == "alarm"
    assert report(shop, tmp_path, as_of=NIGHT - 8 * DAY).judgement.verdict == "ok"


def test_who_is_new_is_told_by_all_that_ever_was_though_only_weeks_of_it_are_read(shop: psycopg.Connection) -> None:
    everything, params = load_params(Path("params.yaml")), load_params(Path("params.yaml")).drift
    with shop.transaction():
        seen = look(shop, settings(Path("/nowhere")), everything, params, NIGHT)
    counted = traffic.events().query("kind == 'purchase'")
    for name, column in (("new_user", "user_id"), ("new_item", "item_id")):
        first = counted.groupby(column)["occurred_at"].transform("min")
        (rate,) = (one for one in seen.rates if one.name == name)
        spans = (seen.windows.current, *seen.windows.weeks)
        for (new, of), (start, end) in zip((rate.current, *rate.weeks), spans, strict=True):
            inside = counted[(counted["occurred_at"] >= start) & (counted["occurred_at"] < end)]
            fresh = inside[first[inside.index] >= start]
            expected = (inside, fresh) if column == "item_id" else (inside[column].unique(), fresh[column].unique())
            assert (of, new) == tuple(map(len, expected))


def test_what_moved_is_told_once_and_what_moves_later_too(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    raise_prices(shop)
    found = report(shop, tmp_path, url=server.url)
    assert {measure.column_name for measure in found.judgement.alarms} == {"value_log"}
    assert found.notified == "sent"
    assert f"/plugin/nextpick-drift/nextpick/reports/{found.report_id}|" in server.texts()
    assert report(shop, tmp_path, url=server.url).notified == "sent"  # the same night again
    assert report(shop, tmp_path, as_of=NIGHT + timedelta(hours=2), url=server.url).notified == "repeated"
    assert len(server.messages) == 1
    shop.execute(
        "UPDATE nextpick.events SET kind = 'return' WHERE occurred_at >= %s AND hashtext(event_id) %% 3 = 0",
        (traffic.END - 7 * DAY,),
    )
    shop.commit()
    assert report(shop, tmp_path, as_of=NIGHT + timedelta(hours=3), url=server.url).notified == "sent"
    assert "kind: psi" in str(server.messages[1])


def test_a_slack_that_fails_is_recorded_fails_nothing_and_is_tried_again(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    raise_prices(shop)
    server.answer = (404, "no_service")
    report(shop, tmp_path, url=server.url)
    row = drift.report_of(shop, NIGHT)
    assert row is not None
    assert row.notified == "failed: Slack answered 404 no_service"
    shop.commit()
    server.answer = None
    assert report(shop, tmp_path, url=server.url).notified == "sent"


def test_a_report_asked_for_without_alerts_sends_none(shop: psycopg.Connection, tmp_path: Path, server: Slack) -> None:
    raise_prices(shop)
    assert report(shop, tmp_path, url=server.url, notify=False).notified == "not_asked"
    assert server.messages == []


def test_a_day_without_live_events_is_broken_but_not_a_saturday(shop: psycopg.Connection, tmp_path: Path) -> None:
    shop.execute("UPDATE nextpick.events SET received_at = occurred_at")  # as if they had come in one by one
    shop.commit()
    saturday = datetime(2025, 11, 8, 23, 59, tzinfo=UTC)
    assert report(shop, tmp_path, as_of=saturday).judgement.verdict == "ok"
    shop.execute("DELETE FROM nextpick.events WHERE occurred_at >= '2025-11-10' AND occurred_at < '2025-11-11'")
    shop.commit()
    found = report(shop, tmp_path, as_of=datetime(2025, 11, 11, tzinfo=UTC)).judgement
    assert found.verdict == "broken"
    assert found.reasons[0].startswith("live_events: none for a day or longer, though 100% of the same weekdays")


def test_data_loaded_in_bulk_are_not_silent_however_old(shop: psycopg.Connection, tmp_path: Path) -> None:
    found = report(shop, tmp_path, as_of=NIGHT + 4 * DAY)
    assert found.judgement.verdict == "ok"
    assert found.windows.current[1] <= traffic.END  # the last days that had events
    assert "silence" not in {measure.statistic for measure in found.judgement.measures}


def test_an_empty_database_has_too_few_rows_and_nothing_to_draw(conn: psycopg.Connection, tmp_path: Path) -> None:
    found = report(conn, tmp_path)
    assert (found.judgement.verdict, found.path, found.notified) == ("too_few_rows", None, "not_needed")
    row = drift.report_of(conn, NIGHT)
    assert row is not None
    assert row.path is None


def test_a_write_that_fails_leaves_the_earlier_report_whole(
    shop: psycopg.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(shop, tmp_path)
    before = stored(shop)
    shop.commit()
    raise_prices(shop)
    statements = dict(sql.load("drift"))
    statements["save_metric"] = "SELECT 1 / 0"
    monkeypatch.setattr(drift, "_SQL", statements)
    with pytest.raises(psycopg.errors.DivisionByZero):
        report(shop, tmp_path)
    monkeypatch.undo()
    assert stored(shop) == before


def answers(rng: np.random.Generator, at: datetime, shift: float, count: int = 60) -> list[Impression]:
    """Answers of the day after `at`, of five items with two features; `shift` moves the second of them."""
    made = []
    for _ in range(count):
        features = rng.normal([0.0, shift], 1, (5, 2)).astype(np.float32)
        scores = rng.normal(size=5).astype(np.float32)
        when = at + DAY * float(rng.random())
        made.append(
            Impression(
                UUID(bytes=rng.bytes(16)),
                "u",
                when,
                when,
                1,
                "default",
                "default",
                ("i",) * 5,
                scores,
                ("reranked",) * 5,
                features,
            )
        )
    return made


def test_a_feature_as_it_was_served_is_watched_by_its_name(shop: psycopg.Connection, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    shop.execute(
        "INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff, status, ready_at, lineage) "
        "VALUES ('1', '/b', 'x', '2025-09-01', 'ready', '2025-09-01', "
        """'{"features": ["als_score", "item_age_days"], "trained_until": "2025-11-06T00:00:00+00:00"}')"""
    )
    newest = events.newest(shop)
    assert newest is not None
    made = [
        answer for day in range(1, 64) for answer in answers(rng, newest - day * DAY, shift=2.0 if day <= 7 else 0.0)
    ]
    with shop.cursor() as cur, cur.copy(sql.load("impressions")["copy"]) as copy:
        copy.write(impressions.encode(made))
    shop.commit()
    found = report(shop, tmp_path)
    assert {measure.column_name for measure in found.judgement.alarms} == {"served_item_age_days"}
    judged = {m.column_name: m for m in found.judgement.measures if m.statistic == "psi"}
    assert judged["served_als_score"].current_n > 2000
    assert found.windows.weeks[0][1] <= datetime(2025, 11, 6, tzinfo=UTC)  # no day the model had not seen
    row = drift.report_of(shop, NIGHT)
    assert row is not None
    assert row.release_id == 1


def test_a_connection_in_a_transaction_is_refused_before_anything_is_done(
    shop: psycopg.Connection, tmp_path: Path
) -> None:
    shop.execute("SELECT 1")
    with pytest.raises(StoreError, match="needs a connection without an open transaction"):
        report(shop, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_events_that_come_in_later_than_they_did_are_seen(shop: psycopg.Connection, tmp_path: Path) -> None:
    late = (
        "UPDATE nextpick.events SET received_at = occurred_at + %s * hashtext(event_id)::bit(4)::int * interval '1 s'"
    )
    shop.execute(late, (1,))
    shop.commit()
    assert report(shop, tmp_path).judgement.verdict == "ok"
    shop.execute(late + " WHERE occurred_at >= %s", (900, traffic.END - 7 * DAY))
    shop.commit()
    found = report(shop, tmp_path)
    assert {measure.column_name for measure in found.judgement.alarms} == {"lateness_log"}
    assert found.judgement.verdict in ("alarm", "broken")
