"""What people hear of a night: what it costs, what is asked for, what is over, and weekly that somebody watches."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
import pytest

from nextpick.drift import slack
from nextpick.settings import Settings
from nextpick.stages import alert, drift_report
from nextpick.store import drift, impressions, sql
from nextpick.store.impressions import Impression
from tests import traffic
from tests.slack_server import Slack

NIGHT = traffic.END + timedelta(hours=11)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RUN = "http://127.0.0.1:8081/dags/drift_report/runs/r1"


def report(
    conn: psycopg.Connection, home: Path, server: Slack | None, as_of: datetime = NIGHT
) -> drift_report.DriftReport:
    settings = Settings(_env_file=None, home=home, slack_webhook_url=server.url if server else None)
    asked = drift_report.Asked(as_of, "nightly", RUN, retrain=True, now=as_of)
    return drift_report.run(conn, settings, asked)


def look_by_hand(conn: psycopg.Connection, home: Path, as_of: datetime) -> drift_report.DriftReport:
    """As `nextpick drift` does."""
    asked = drift_report.Asked(as_of, "by hand", notify=False, now=as_of)
    return drift_report.run(conn, Settings(_env_file=None, home=home), asked)


def change_prices(conn: psycopg.Connection, factor: float) -> None:
    conn.execute(
        "UPDATE nextpick.events SET value = %s * value WHERE occurred_at >= %s", (factor, traffic.END - 7 * DAY)
    )
    conn.commit()


def answer(conn: psycopg.Connection, good_until: datetime) -> None:
    """An hour before some of the purchases, an answer that shows the item; none of those after `good_until` does."""
    rng = np.random.default_rng(3)
    bought = traffic.events()
    bought = bought[(bought["kind"] == "purchase") & (bought["occurred_at"] >= traffic.END - 75 * DAY)]
    made = []
    for row in bought.iloc[::5].itertuples():
        at = row.occurred_at.to_pydatetime() - HOUR
        others = tuple(rng.choice(traffic.ITEMS[200:], 4, replace=False).tolist())
        shown = (row.item_id, *others) if at < good_until else (*others, "item-299")
        scores = rng.normal(size=5).astype(np.float32)
        made.append(
            Impression(
                UUID(bytes=rng.bytes(16)),
                row.user_id,
                at,
                at,
                1,
                "default",
                "default",
                shown,
                scores,
                ("filled",) * 5,
                None,
            )
        )
    with conn.cursor() as cur, cur.copy(sql.load("impressions")["copy"]) as copy:
        copy.write(impressions.encode(made))
    conn.commit()


def test_drift_that_costs_answers_asks_for_a_retraining_once_and_says_so(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    answer(shop, good_until=traffic.END - 8 * DAY)
    change_prices(shop, 4)
    found = report(shop, tmp_path, server)
    alarms = {one.measure.column_name for one in found.dated if one.alarm}
    assert {"value_log", "answers_taken"} <= alarms
    assert (found.harm, found.asks_for_retraining) == ("drift with harm", True)
    said = server.texts()
    for part in ("drift with harm", "`retrain` has been asked for", "answers_taken: ", f"<{RUN}|The run>"):
        assert part in said
    again = report(shop, tmp_path, server)  # as if the run had died before it acted
    assert (again.harm, again.asks_for_retraining, len(server.messages)) == ("drift with harm", True, 1)
    drift.mark_requested(shop, again.report_id)
    shop.commit()
    again = report(shop, tmp_path, server)
    assert (again.harm, again.asks_for_retraining, len(server.messages)) == ("drift with harm", False, 1)
    quiet = drift_report.Asked(NIGHT, "by hand", notify=False)
    drift_report.run(shop, Settings(_env_file=None, home=tmp_path), quiet)  # changes nothing of what was done
    later = report(shop, tmp_path, server, NIGHT + DAY)
    assert not later.asks_for_retraining
    rows = drift.reports(shop, 5)
    assert [row.retrain for row in rows] == ["cooling_down", "requested"]
    assert [row.notified for row in rows] == ["repeated", "sent"]
    assert [row.harm for row in rows] == ["drift with harm"] * 2
    assert rows[1].taken is not None
    ((release, (taken, answers)),) = rows[1].taken.items()
    assert (release, taken < answers / 2, answers > 200) == ("1", True, True)


def test_drift_that_costs_nothing_says_that(shop: psycopg.Connection, tmp_path: Path, server: Slack) -> None:
    answer(shop, good_until=traffic.END + DAY)
    change_prices(shop, 4)
    found = report(shop, tmp_path, server)
    assert (found.harm, found.asks_for_retraining) == ("drift, no harm", False)
    assert "drift, no harm" in server.texts()


def test_answers_that_are_worse_alarm_though_nothing_else_moved(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    answer(shop, good_until=traffic.END - 8 * DAY)
    found = report(shop, tmp_path, server)
    moved = {one.measure.column_name for one in found.dated if one.alarm} - {"answers_taken", "online_ndcg"}
    assert moved <= {"list_coverage", "list_popularity"}  # what is shown is another list, too
    assert found.judgement.verdict == "alarm"


def test_what_is_over_is_told_once(shop: psycopg.Connection, tmp_path: Path, server: Slack) -> None:
    change_prices(shop, 4)
    assert report(shop, tmp_path, server).notified == "sent"
    change_prices(shop, 0.25)
    server.answer = (500, "oh no")
    assert report(shop, tmp_path, server, NIGHT + HOUR).notified.startswith("failed")
    server.answer = None  # what was not told then is told by the next
    for _ in range(2):  # the same night twice
        assert report(shop, tmp_path, server, NIGHT + 2 * HOUR).notified == "over"
        assert len(server.messages) == 2
    assert "As before again: value_log." in server.texts()
    assert report(shop, tmp_path, server, NIGHT + 3 * HOUR).notified == "not_needed"
    assert len(server.messages) == 2


def test_a_look_by_hand_and_a_night_that_measured_nothing_change_nothing_of_what_people_know(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    change_prices(shop, 4)
    assert report(shop, tmp_path, server).notified == "sent"
    for minutes in range(1, 11):
        look_by_hand(shop, tmp_path, NIGHT + HOUR + timedelta(minutes=minutes))
    assert report(shop, tmp_path, server, NIGHT + DAY).notified == "repeated"
    change_prices(shop, 0.25)
    assert look_by_hand(shop, tmp_path, NIGHT + DAY + HOUR).judgement.verdict == "ok"
    assert report(shop, tmp_path, server, NIGHT + 2 * DAY).notified == "over"
    assert len(server.messages) == 2


def test_of_two_reports_at_once_one_tells(
    shop: psycopg.Connection, tmp_path: Path, server: Slack, database_url: str
) -> None:
    change_prices(shop, 4)

    def one(minute: int) -> str:
        with psycopg.connect(database_url) as mine:
            return report(mine, tmp_path, server, NIGHT + timedelta(minutes=minute)).notified

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(one, (0, 1))) == ["repeated", "sent"]
    assert len(server.messages) == 1


def test_what_was_told_is_kept_though_slack_took_longer_than_the_connection_lasted(
    shop: psycopg.Connection, tmp_path: Path, server: Slack, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_prices(shop, 4)
    real, mine = slack.send, psycopg.connect(database_url)

    def slow(*sent: Any) -> str:
        with psycopg.connect(database_url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (mine.info.backend_pid,))
        return real(*sent)

    monkeypatch.setattr(slack, "send", slow)
    settings = Settings(_env_file=None, home=tmp_path, slack_webhook_url=server.url, database_url=database_url)
    drift_report.run(mine, settings, drift_report.Asked(NIGHT, "nightly", now=NIGHT))
    monkeypatch.undo()
    mine.close()
    assert report(shop, tmp_path, server).notified == "sent"
    assert report(shop, tmp_path, server, NIGHT + DAY).notified == "repeated"
    assert len(server.messages) == 1


def test_a_log_is_told_once_too_and_slack_anew_once_there_is_one(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    change_prices(shop, 4)
    notified = [report(shop, tmp_path, to, NIGHT + HOUR * i).notified for i, to in enumerate((None, None, server))]
    assert notified == ["not_configured", "repeated", "sent"]
    change_prices(shop, 0.25)
    assert [report(shop, tmp_path, None, NIGHT + HOUR * i).notified for i in (3, 4)] == ["over", "not_needed"]


def test_a_feed_that_died_is_missed_until_it_is_back_on_closed_days_too(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    shop.execute("UPDATE nextpick.events SET received_at = occurred_at")  # as if they had come in one by one
    shop.commit()
    for day in (1, 2, 3, 8, 15, 36, 61, 90):  # the third is a Saturday
        found = report(shop, tmp_path, server, NIGHT + day * DAY)
        assert found.judgement.verdict == "broken", day
        assert found.notified == ("sent" if day == 1 else "repeated")
    assert len(server.messages) == 1
    shop.execute("UPDATE nextpick.events SET occurred_at = occurred_at + interval '91 days'")
    shop.execute("UPDATE nextpick.events SET received_at = occurred_at")
    shop.commit()
    assert report(shop, tmp_path, server, NIGHT + 91 * DAY).notified == "over"


def test_a_page_that_cannot_be_made_takes_neither_figures_nor_alert_with_it(
    shop: psycopg.Connection, tmp_path: Path, server: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> bool:
        raise OSError(28, "No space left on device")

    change_prices(shop, 4)
    with monkeypatch.context() as patched:
        patched.setattr("nextpick.drift.report.write", full)
        found = report(shop, tmp_path, server)
    assert (found.path, found.fault) == (None, "OSError: [Errno 28] No space left on device")
    (row,) = drift.reports(shop, 5)
    shop.commit()
    assert (row.verdict, row.path, row.notified, len(server.messages)) == ("alarm", None, "sent", 2)
    assert "could not be made, its figures are there: OSError" in server.texts()
    again = report(shop, tmp_path, server)
    assert (again.path is not None, again.notified, len(server.messages)) == (True, "sent", 2)


def test_what_was_missing_and_is_there_again_is_over(shop: psycopg.Connection, tmp_path: Path, server: Slack) -> None:
    shop.execute(
        "CREATE TEMP TABLE kept AS SELECT event_id, value FROM nextpick.events "
        "WHERE occurred_at >= %s AND hashtext(event_id) %% 4 = 0",
        (traffic.END - 7 * DAY,),
    )
    shop.execute("UPDATE nextpick.events SET value = NULL WHERE event_id IN (SELECT event_id FROM kept)")
    shop.commit()
    assert report(shop, tmp_path, server).judgement.verdict == "broken"
    shop.execute("UPDATE nextpick.events AS e SET value = kept.value FROM kept WHERE kept.event_id = e.event_id")
    shop.commit()
    report(shop, tmp_path, server, NIGHT + 2 * HOUR)
    assert "As before again: value_log" in server.texts()


def test_a_past_night_only_gets_its_figures(shop: psycopg.Connection, tmp_path: Path, server: Slack) -> None:
    answer(shop, good_until=traffic.END - 8 * DAY)
    change_prices(shop, 4)
    settings = Settings(_env_file=None, home=tmp_path, slack_webhook_url=server.url)
    found = drift_report.run(shop, settings, drift_report.Asked(NIGHT, "form", retrain=True))
    assert (found.harm, found.asks_for_retraining, found.notified) == ("drift with harm", False, "not_asked")
    assert server.messages == []


def test_a_sign_of_life_comes_once_a_week_and_only_of_nights_that_are_now(
    shop: psycopg.Connection, tmp_path: Path, server: Slack
) -> None:
    now = datetime.now(UTC)
    report(shop, tmp_path, server)
    assert server.messages == []
    report(shop, tmp_path, None, now - HOUR)
    assert shop.execute("SELECT count(*) FROM nextpick.alerts").fetchone() == (0,)
    shop.commit()
    for minutes in (2, 1):
        report(shop, tmp_path, server, now - timedelta(minutes=minutes))
    (message,) = server.messages
    assert "reports in 7 days, 0 alerts" in message["text"]
    shop.execute("UPDATE nextpick.alerts SET told_at = told_at - interval '8 days'")
    shop.commit()
    report(shop, tmp_path, server, now)
    assert len(server.messages) == 2
    assert shop.execute("SELECT what, outcome FROM nextpick.alerts").fetchall() == [("heartbeat", "sent")] * 2


def test_an_alert_goes_out_though_the_database_that_keeps_a_record_is_away(server: Slack) -> None:
    @contextmanager
    def away() -> Iterator[psycopg.Connection]:
        raise psycopg.OperationalError("no")
        yield

    settings = Settings(_env_file=None, slack_webhook_url=server.url)
    assert alert.tell(settings, "failure", "precompute: compare failed", away) == "sent"
    assert len(server.messages) == 1
