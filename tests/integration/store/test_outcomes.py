"""What became of answers and what they showed, read from a few rows whose story is told here."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import psycopg
import pytest

from nextpick.store import erasure, events, outcomes, partitions

END = datetime(2025, 11, 2, 18, tzinfo=UTC)  # a week that lies in two months' partitions
WEEK = END - timedelta(days=7), END
DAY = timedelta(days=1)
NOON = datetime(2025, 10, 31, 12, tzinfo=UTC)
ANSWER = """
INSERT INTO nextpick.impressions (recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario,
                                  item_ids, scores, sources, narrowed)
VALUES (gen_random_uuid(), %s, %s, now(), %s, 'default', %s, %s, '{}', '{}', %s)
"""


@pytest.fixture(autouse=True)
def _partitioned(conn: psycopg.Connection) -> None:
    for table in partitions.KEYS:
        partitions.ensure(conn, table, END - timedelta(days=31))


def answer(
    conn: psycopg.Connection,
    user: str | None,
    at: datetime,
    items: str,
    release: int = 1,
    scenario: str = "default",
    narrowed: bool = False,
) -> None:
    conn.execute(ANSWER, (user, at, release, scenario, list(items), narrowed))


def took(conn: psycopg.Connection, user: str, at: datetime, item: str, kind: str = "purchase") -> None:
    frame = pd.DataFrame(
        [(f"{user}{at}{item}{kind}", user, item, kind, at, 1.0)],
        columns=["event_id", "user_id", "item_id", "kind", "occurred_at", "value"],
    )
    events.insert(conn, frame)


def followed(
    conn: psycopg.Connection, window: tuple[datetime, datetime] = WEEK
) -> list[tuple[int, list[int], int, int]]:
    found = outcomes.followed(conn, ["purchase"], *window, DAY)
    return [(one.release_id, one.places.tolist(), one.relevant, one.answers) for one in found]


def test_what_the_user_takes_within_a_day_follows_an_answer_in_the_place_it_was_shown_at(
    conn: psycopg.Connection,
) -> None:
    answer(conn, "ann", NOON, "abcd")
    took(conn, "ann", NOON + timedelta(hours=3), "d")
    took(conn, "ann", NOON + timedelta(hours=14), "b")  # the next month
    took(conn, "ann", NOON + timedelta(hours=15), "b")
    took(conn, "ann", NOON + timedelta(hours=16), "z")  # was not shown
    assert followed(conn) == [(1, [1, 3], 3, 1)]


def test_what_is_earlier_later_another_users_or_of_a_kind_that_does_not_count_does_not_follow(
    conn: psycopg.Connection,
) -> None:
    answer(conn, "ann", NOON, "abcd")
    took(conn, "ann", NOON - timedelta(microseconds=1), "a")
    took(conn, "ann", NOON + DAY, "b")
    took(conn, "ann", NOON + timedelta(hours=1), "c", "view")
    took(conn, "ben", NOON + timedelta(hours=1), "d")
    assert followed(conn) == [(1, [], 0, 1)]
    took(conn, "ann", NOON, "a")
    took(conn, "ann", NOON + DAY - timedelta(microseconds=1), "c")
    assert followed(conn) == [(1, [0, 2], 2, 1)]


def test_answers_with_one_outcome_are_a_row_of_each_release(conn: psycopg.Connection) -> None:
    for user in ("ann", "ben", "cleo"):
        answer(conn, user, NOON, "ab")
        answer(conn, user, NOON + timedelta(hours=1), "ba", release=2)
    took(conn, "ann", NOON + timedelta(hours=2), "a")
    took(conn, "ben", NOON + timedelta(hours=3), "a")
    assert followed(conn) == [(1, [], 0, 1), (1, [0], 1, 2), (2, [], 0, 1), (2, [1], 1, 2)]


def test_answers_to_nobody_known_or_narrowed_or_outside_the_window_are_not_counted(conn: psycopg.Connection) -> None:
    answer(conn, None, NOON, "a")
    answer(conn, "ann", NOON, "a", narrowed=True)
    answer(conn, "ann", WEEK[0] - timedelta(microseconds=1), "a")
    answer(conn, "ann", END, "a")
    assert followed(conn) == []
    answer(conn, "ann", WEEK[0], "a")
    answer(conn, "ann", END - timedelta(microseconds=1), "a")
    assert followed(conn) == [(1, [], 0, 2)]


def test_who_was_erased_is_in_nothing(conn: psycopg.Connection) -> None:
    answer(conn, "ann", NOON, "ab")
    answer(conn, "ben", NOON, "ab")
    conn.commit()
    conn.autocommit = True
    erasure.erase(conn, "ann")
    answer(conn, "ann", NOON, "ab")  # a write that came late
    assert followed(conn) == [(1, [], 0, 1)]
    assert len(outcomes.shown(conn, *WEEK).users) == 1


def test_what_answers_showed_is_user_by_user_in_order_of_time(conn: psycopg.Connection) -> None:
    answer(conn, "ben", NOON + timedelta(hours=1), "bc")
    answer(conn, "ann", NOON, "ca")
    answer(conn, "ben", NOON, "ab")
    answer(conn, "ben", NOON, "d", scenario="basket")
    answer(conn, None, NOON, "a")
    answer(conn, "ann", NOON, "x", narrowed=True)
    answer(conn, "ann", END, "y")
    found = outcomes.shown(conn, *WEEK)
    items = [
        "".join(found.item_ids[row] for row in found.item_rows[start:stop])
        for start, stop in zip(found.starts, found.starts[1:], strict=False)
    ]
    assert list(zip(found.users.tolist(), items, strict=True)) == [
        (0, "ca"),
        (1, "d"),
        (2, "ab"),
        (2, "bc"),
        (-1, "a"),
    ]
    assert sorted(found.item_ids) == ["a", "b", "c", "d"]


def test_no_answers_show_nothing(conn: psycopg.Connection) -> None:
    found = outcomes.shown(conn, *WEEK)
    assert (found.users.tolist(), found.starts.tolist(), found.item_rows.tolist(), found.item_ids) == ([], [0], [], ())


def test_popularity_counts_what_counts_in_the_window(conn: psycopg.Connection) -> None:
    took(conn, "ann", NOON, "a")
    took(conn, "ben", NOON, "a")
    took(conn, "ben", NOON, "b")
    took(conn, "ben", NOON, "c", "view")
    took(conn, "ben", END, "a")
    assert outcomes.popularity(conn, ["purchase"], *WEEK) == {"a": 2, "b": 1}


def test_of_a_release_there_never_was_nothing_is_known(conn: psycopg.Connection) -> None:
    assert outcomes.made(conn, 7) is None
    assert outcomes.listed(conn, 7, WEEK, "reranked", 10) == []
