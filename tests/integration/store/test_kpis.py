"""What came of answers, from a few rows whose story is told here."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from nextpick.kpis import Arm, Counts
from nextpick.store import kpis, partitions

NOW = datetime(2025, 11, 2, 18, tzinfo=UTC)
TODAY, YESTERDAY = date(2025, 11, 2), date(2025, 11, 1)
ANSWER = """
INSERT INTO nextpick.impressions (recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario,
                                  item_ids, scores, sources)
VALUES (%s, %s, %s, now(), %s, %s, 'default', %s, '{}', '{}')
"""
EVENT = """
INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, value, recommendation_id)
VALUES (%s, 'ann', %s, %s, %s, %s, %s)
"""


RELEASE = "INSERT INTO nextpick.releases (model_version, bundle_uri, bundle_sha256, cutoff) VALUES ('1', '', '', %s)"
LIVE = "INSERT INTO nextpick.live (variant, release_id, share) VALUES (%s, %s, %s)"


@pytest.fixture(autouse=True)
def _partitioned(conn: psycopg.Connection) -> None:
    for table in partitions.KEYS:
        partitions.ensure(conn, table, NOW - timedelta(days=31))
    conn.commit()


def answer(
    conn: psycopg.Connection, at: datetime, release: int = 1, variant: str = "default", user: str | None = "ann"
) -> UUID:
    given = uuid4()
    conn.execute(ANSWER, (given, user, at, release, variant, ["a", "b"]))
    conn.commit()
    return given


def took(
    conn: psycopg.Connection,
    what: UUID | None,
    at: datetime,
    value: float | None = 2.0,
    kind: str = "purchase",
    item: str = "a",
) -> None:
    conn.execute(EVENT, (uuid4().hex, item, kind, at, value, what))
    conn.commit()


def counted(conn: psycopg.Connection, days: int = 7, now: datetime = NOW) -> list[Counts]:
    kpis.count(conn, now, days)
    return kpis.read(conn, (now - timedelta(days=days - 1)).date(), now.date())


def test_an_answer_is_taken_by_an_event_that_names_it_on_an_item_it_showed_within_a_day(
    conn: psycopg.Connection,
) -> None:
    at = NOW - timedelta(days=1, hours=1)
    first, second, third = answer(conn, at), answer(conn, at), answer(conn, at)
    took(conn, first, at + timedelta(minutes=1), 2.0)
    took(conn, first, at + timedelta(hours=23), 3.0, item="b")
    took(conn, first, at + timedelta(minutes=1), 9.0, item="not shown")
    took(conn, second, at + timedelta(hours=25))
    took(conn, None, at)
    took(conn, third, at + timedelta(minutes=2), None, kind="click")
    assert counted(conn) == [
        Counts("default", 1, "click", 3, 1, 1, 0.0, 0.0),
        Counts("default", 1, "purchase", 3, 1, 2, 5.0, 25.0),
    ]


def test_days_add_up_by_variant_and_release_and_a_release_that_nobody_took_of_is_there(
    conn: psycopg.Connection,
) -> None:
    for days in (1, 2, 3):
        at = NOW - timedelta(days=days)
        took(conn, answer(conn, at), at + timedelta(hours=1))
        answer(conn, at, release=2, variant="challenger")
    answer(conn, NOW - timedelta(days=30))
    assert counted(conn) == [
        Counts("challenger", 2, "", 3, 0, 0, 0.0, 0.0),
        Counts("default", 1, "purchase", 3, 3, 3, 6.0, 12.0),
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e308, -1e308])
def test_a_value_that_is_no_money_drowns_no_other(conn: psycopg.Connection, value: float) -> None:
    given = answer(conn, NOW)
    took(conn, given, NOW, value)
    took(conn, given, NOW, 2.0)
    assert [(one.taken, one.events, one.revenue) for one in counted(conn)] == [(1, 2, 2.0)]


def test_of_many_kinds_the_rarer_are_one(conn: psycopg.Connection) -> None:
    given = answer(conn, NOW)
    for n in range(100):
        took(conn, given, NOW, None, kind=f"kind-{n}")
    took(conn, given, NOW, None, kind="kind-7")
    found = counted(conn)
    assert len(found) == kpis.KINDS + 1
    assert {one.kind for one in found} > {"other", "kind-7"}
    assert sum(one.events for one in found) == 101


def test_purchases_have_their_own_figures_among_however_many_kinds_that_bring_no_money(
    conn: psycopg.Connection,
) -> None:
    answers = [answer(conn, NOW) for _ in range(3)]
    for n in range(kpis.KINDS + 3):
        for given in answers[:2]:
            took(conn, given, NOW, None, kind=f"page-{n}")
            took(conn, given, NOW, 1.0 if given == answers[0] else None, kind=f"page-{n}")
    for given in answers[1:]:
        took(conn, given, NOW, 5.0)
    found = {one.kind: (one.taken, one.revenue) for one in counted(conn)}
    assert found["purchase"] == (2, 10.0)
    assert "other" in found


def test_a_day_is_counted_anew_until_nothing_more_can_come_of_it(conn: psycopg.Connection) -> None:
    at = NOW - timedelta(days=1)
    given = answer(conn, at)
    assert [one.taken for one in counted(conn)] == [0]
    took(conn, given, at + timedelta(hours=2))
    assert kpis.count(conn, NOW + timedelta(minutes=4), 7, fresh=timedelta(minutes=5)) == 0
    assert [one.taken for one in counted(conn)] == [1]
    assert kpis.count(conn, NOW + timedelta(days=3), 10) > 0
    conn.execute("TRUNCATE nextpick.impressions")
    conn.commit()
    assert [one.taken for one in counted(conn, 14, NOW + timedelta(days=7))] == [1]


def test_another_that_counts_is_not_waited_for(conn: psycopg.Connection, database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", (kpis.COUNT_LOCK,))
        assert kpis.count(conn, NOW, 7) == 0
    assert kpis.count(conn, NOW, 7) == 7


def test_users_are_told_by_variant_once_all_variants_were_there_the_whole_day(conn: psycopg.Connection) -> None:
    for release, variant, share in ((1, "default", 0.75), (2, "challenger", 0.25)):
        conn.execute(RELEASE, (NOW,))
        conn.execute(LIVE, (variant, release, share))
    day = timedelta(days=1)
    for user in ("ann", "bob", "ann", None):
        answer(conn, NOW - day, user=user)
    answer(conn, NOW - day, 2, "challenger", "eve")
    answer(conn, NOW - 2 * day)
    kpis.count(conn, NOW, 7)
    assert kpis.arms(conn, YESTERDAY) == []
    answer(conn, NOW - 2 * day, 2, "challenger")
    conn.execute("DELETE FROM nextpick.kpi_days")
    kpis.count(conn, NOW, 7)
    assert kpis.arms(conn, YESTERDAY) == [Arm("challenger", 0.25, 1), Arm("default", 0.75, 2)]
    assert kpis.arms(conn, TODAY) == []


def test_a_machine_that_vanishes_while_it_counts_keeps_the_others_from_it_for_a_minute(
    conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "SHOW idle_in_transaction_session_timeout"
    seen = []
    monkeypatch.setattr(kpis, "_count", lambda conn, *_: seen.append(conn.execute(asked).fetchone()))
    kpis.count(conn, NOW, 1)
    assert seen == [("1min",)]
    assert conn.execute(asked).fetchone() == ("0",)
