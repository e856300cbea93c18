"""Comparing a release with the live one: what is found, kept, and too much."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nextpick.errors import ReleaseRefused, StoreError
from nextpick.release import diff
from nextpick.settings import Settings
from nextpick.stages import compare, go_live
from nextpick.store import erasure, release_log, standings
from tests.integration.release.generations import ITEMS, made, same

SETTINGS = Settings(_env_file=None, home=Path("/nowhere"))  # no MLflow is asked


@pytest.fixture(autouse=True)
def each_statement_its_own_transaction(conn: psycopg.Connection) -> None:
    conn.autocommit = True


@pytest.fixture
def live(conn: psycopg.Connection) -> int:
    """A release that is live: twenty users, twelve items each."""
    release_id = made(conn, same())
    flip(conn, release_id)
    return release_id


def flip(conn: psycopg.Connection, release_id: int) -> None:
    conn.execute(
        "INSERT INTO nextpick.live VALUES ('default', %s, 1) ON CONFLICT (variant) DO UPDATE SET release_id = %s",
        (release_id, release_id),
    )


def kept(conn: psycopg.Connection, release_id: int) -> Any:
    return conn.execute("SELECT diff FROM nextpick.releases WHERE release_id = %s", (release_id,)).fetchone()[0]  # type: ignore[index]


def status(conn: psycopg.Connection, release_id: int) -> str:
    return standings.get(conn, release_id).status


def test_the_same_lists_are_no_change_and_pass(conn: psycopg.Connection, live: int) -> None:
    new = made(conn, same(), night=1)
    found = compare.run(conn, SETTINGS, new)
    assert (found.blocked, found.against, found.reasons) == (False, live, ())
    assert (found.diff.gained, found.diff.lost, found.diff.both) == (0, 0, 20)
    assert (found.diff.overlap, found.diff.deciles, found.diff.worst) == (1.0, (1.0,) * 9, ())
    assert found.diff.new == found.diff.live
    assert status(conn, new) == "ready"
    assert kept(conn, new)["overlap"] == 1.0
    assert kept(conn, new)["against"] == live


def test_figures_are_those_of_a_world_counted_by_hand(conn: psycopg.Connection) -> None:
    old = made(conn, {"a": ITEMS[:10], "b": ITEMS[10:20], "gone": ["i0"]})
    flip(conn, old)
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = 'i0'")
    conn.execute("DELETE FROM nextpick.items WHERE item_id = 'i1'")
    new_items = ("x", *reversed(ITEMS))  # other rows, and x is the most popular
    new = made(conn, {"a": [*ITEMS[:7], "x", "i20", "i21"], "b": [], "c": ["x"], "d": ["i5"]}, items=new_items, night=1)
    conn.execute("DELETE FROM nextpick.items WHERE item_id = 'i1'")
    found = compare.run(conn, SETTINGS, new).diff
    assert (found.gained, found.lost, found.both) == (2, 1, 2)
    assert found.overlap == pytest.approx((0.7 + 0) / 2)
    assert found.worst == ((0.0, "b"), (0.7, "a"))
    assert found.histogram == (1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0)
    assert found.live is not None
    assert (found.new.users, found.new.items, found.live.users, found.live.items) == (4, 31, 3, 30)
    assert (found.new.empty, found.new.short, found.live.empty, found.live.short) == (0.25, 0.75, 0, 1 / 3)
    assert (found.new.length, found.live.length) == (3.0, 7.0)
    assert found.new.coverage == pytest.approx(10 / 31)
    assert found.live.coverage == pytest.approx(20 / 30)
    assert found.new.unavailable == pytest.approx(2 / 12)
    assert found.live.unavailable == pytest.approx(3 / 21)
    assert found.new.popularity_share == pytest.approx(2 / 12)  # the head: x and i29 to i25, of which x is shown
    assert found.live.popularity_share == 0


def test_the_answer_does_not_depend_on_the_size_of_a_block(
    conn: psycopg.Connection, live: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = made(conn, same(25, first=3), night=1)
    whole = compare.run(conn, SETTINGS, new).diff
    monkeypatch.setattr(compare, "USERS_AT_ONCE", 3)
    by_three = compare.run(conn, SETTINGS, new).diff
    assert by_three.overlap == pytest.approx(whole.overlap) == pytest.approx(0.7)
    assert replace(by_three, overlap=None) == replace(whole, overlap=None)


def test_the_first_release_may_be_as_it_is_but_must_be_whole(conn: psycopg.Connection) -> None:
    first = made(conn, {"a": ["i0"]})
    found = compare.run(conn, SETTINGS, first)
    assert (found.blocked, found.against, found.diff.live, found.diff.overlap) == (False, None, None, None)
    conn.execute("UPDATE nextpick.releases SET users = 7 WHERE release_id = %s", (first,))
    assert compare.run(conn, SETTINGS, first).reasons == ("It has lists of 1 users instead of 7. Publish again.",)


def test_a_generation_with_a_block_missing_is_blocked(conn: psycopg.Connection, live: int) -> None:
    new = made(conn, same(19), night=1)
    conn.execute(
        "INSERT INTO nextpick.release_blocks VALUES (%s, 0, %s, now()), (%s, 1, '{u19}', NULL)",
        (new, [f"u{n:02}" for n in range(19)], new),
    )
    assert compare.run(conn, SETTINGS, new).reasons == (
        "1 of its blocks of users are not done. Publish again.",
        "It has lists of 19 users instead of 20. Publish again.",
    )


def test_a_user_who_was_erased_while_it_was_built_does_not_block_it(conn: psycopg.Connection, live: int) -> None:
    new = made(conn, same(), night=1)
    conn.execute("DELETE FROM nextpick.lists WHERE user_id = 'u07'")
    conn.execute("INSERT INTO nextpick.erased_users (user_id) VALUES ('u07')")
    assert not compare.run(conn, SETTINGS, new).blocked


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        (same(18), r"10\.0% of the users of the live release are lost; .*max_lost_users: 0\.05"),
        (same(first=12), r"0\.0% of the first 10 items are the same.*min_overlap: 0\.1"),
        ({f"u{n:02}": list(ITEMS[:10]) for n in range(20)}, r"34\.5% as many different items.*: 10 instead of 29"),
        ({u: items[: 10 - (u > "u17")] for u, items in same().items()}, r"10\.0% of the users have fewer than 10"),
    ],
    ids=["lost", "churned", "narrow", "short"],
)
def test_what_is_too_much_blocks_with_figure_limit_and_parameter(
    conn: psycopg.Connection, live: int, lists: dict[str, list[str]], reason: str
) -> None:
    new = made(conn, lists, night=1)
    found = compare.run(conn, SETTINGS, new)
    assert status(conn, new) == "blocked"
    with pytest.raises(ReleaseRefused, match=reason):
        go_live.run(conn, SETTINGS, new, who="a")
    assert len(found.reasons) == 1
    assert standings.get(conn, live).live


def test_what_the_live_release_has_of_hidden_items_is_no_fault_of_the_next(conn: psycopg.Connection, live: int) -> None:
    conn.execute("UPDATE nextpick.items SET hidden = true WHERE item_id < 'i2'")
    assert not compare.run(conn, SETTINGS, made(conn, same(), night=1)).blocked
    fresh = made(conn, {user: [i for i in items if i >= "i2"] for user, items in same(length=25).items()}, night=2)
    flip(conn, fresh)
    assert "hidden or gone" in compare.run(conn, SETTINGS, made(conn, same(), night=3)).reasons[-1]


def test_a_block_is_logged_once_and_lifted_where_the_limits_have_changed(
    conn: psycopg.Connection, live: int, tmp_path: Path
) -> None:
    new = made(conn, same(18), night=1)
    for _ in range(2):
        assert compare.run(conn, SETTINGS, new, who="precompute.r1").blocked
    (entry,) = release_log.newest(conn, 5)
    assert (entry.action, entry.who, entry.from_release, entry.to_release) == ("block", "precompute.r1", live, new)
    assert "max_lost_users" in entry.reason
    text = (SETTINGS.project / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("max_lost_users: 0.05", "max_lost_users: 0.5"))
    assert not compare.run(conn, SETTINGS.model_copy(update={"project": tmp_path}), new).blocked
    assert (status(conn, new), standings.get(conn, new).reasons) == ("ready", ())


def test_a_release_that_is_live_is_not_judged_anew(conn: psycopg.Connection, live: int) -> None:
    conn.execute("UPDATE nextpick.releases SET users = 99")
    compare.run(conn, SETTINGS, live)
    assert status(conn, live) == "ready"


def test_what_is_not_whole_cannot_be_compared(conn: psycopg.Connection, live: int) -> None:
    with pytest.raises(ReleaseRefused, match=r"Release \d+ is building, so it cannot be compared"):
        compare.run(conn, SETTINGS, made(conn, same(), night=1, status="building"))
    with pytest.raises(StoreError, match="There is no release 999"):
        compare.run(conn, SETTINGS, 999)


def test_the_diff_is_json_that_can_be_read_again(conn: psycopg.Connection, live: int) -> None:
    new = made(conn, same(first=5), night=1)
    found = compare.run(conn, SETTINGS, new)
    told = json.loads(json.dumps(kept(conn, new)))
    assert told["worst"][0] == [0.5, "u00"]
    assert diff.from_json(told) == found.diff
    page = compare.kept(conn, new)
    assert "# Release 2, model version 1: nothing stands against it" in page
    assert "| users | 20 | 20 |" in page
    assert "| `u00` | 0.50 |" in page
    assert compare.kept(conn, live) == "Release 1 was not compared with anything."


def test_an_erased_user_is_named_by_no_comparison(conn: psycopg.Connection, live: int) -> None:
    new = made(conn, same(first=5), night=1)
    compare.run(conn, SETTINGS, new)
    with conn.transaction():
        assert erasure.erase(conn, "u00").comparisons == 1
    assert "u00" not in compare.kept(conn, new)
    assert "u01" in compare.kept(conn, new)
