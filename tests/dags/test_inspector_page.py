"""Looking up a user, an item and a release in the real Airflow app: what is shown, what is not, whatever is typed."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import numpy as np
import psycopg
import pytest
from psycopg.types.json import Jsonb
from starlette.testclient import TestClient

from nextpick.release.arm import is_challengers
from nextpick.store import erasure, impressions, rejections, release_log, standings, traffic
from nextpick_airflow import inspector_lists
from tests.dags.pages import ODD, SOON, chromium, happens, signed_in
from tests.published import Version, another_bundle, fill, publish

HOME = "/nextpick-home/"
Db = psycopg.Connection
PAGES = ("look", "user", "lists", "item", "release")
TYPED = """+++ %00 a%00b %2f ..%2f..%2fetc%2fpasswd %25s %27%20OR%201%3D1%20-- %7B%7B7*7%7D%7D %ff%fe %F0%9F%98%80 -1
99999999999999999999 9223372036854775808 %C2%B2 1%0a a&id=b"""
ANSWER = UUID(int=7)


@pytest.fixture
def db(tmp_path: Path, database_url: str, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The empty database that the pages are led to; each statement its own transaction."""
    monkeypatch.setenv("NEXTPICK_HOME", str(tmp_path))
    monkeypatch.setenv("NEXTPICK_DATABASE_URL", database_url)
    inspector_lists._kept.clear()
    conn.autocommit = True
    return conn


@pytest.fixture
def viewer(airflow: Any, db: Db) -> TestClient:
    return signed_in(airflow)


@pytest.fixture
def live(db: Db, version: Version) -> int:
    """The world of tests/published.py, and a release of it that is live."""
    with db.transaction():
        fill(db)
    return publish(db, version)


def answered(db: Db, user: str, *items: str, at: datetime = SOON) -> None:
    n = len(items)
    one = impressions.Impression(
        ANSWER, user, at, at, 1, "default", "default", items, np.zeros(n, np.float32), ("reranked",) * n, None
    )
    with db.cursor().copy(impressions._SQL["copy"]) as copy:
        copy.write(impressions.encode([one]))


def text(page: str) -> str:
    """A page without its tags, white space made single."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("sent", ["", "x" * 257, "x" * 10_240, quote(ODD), *TYPED.split()])
def test_whatever_is_typed_is_answered_kindly(viewer: TestClient, page: str, sent: str) -> None:
    answer = viewer.get(f"{HOME}{page}?id={sent}")
    assert answer.status_code in (200, 404, 422)
    assert answer.headers["content-type"].startswith("text/html")
    assert ODD not in answer.text
    assert "49" not in text(answer.text).replace("10,249", "")
    assert len(answer.text) < 20_000


def test_no_id_at_all_and_one_that_is_too_long_are_told_so(viewer: TestClient) -> None:
    assert "Type the id of a user" in viewer.get(f"{HOME}look").text
    answer = viewer.get(f"{HOME}look?id={'x' * 10_240}")
    assert (answer.status_code, "256 characters at most, and this text has 10,240" in answer.text) == (422, True)


def test_one_field_finds_users_items_and_releases(viewer: TestClient, live: int, db: Db) -> None:
    for typed, page in (("tea03", "user"), (" tea-03 ", "item"), (str(live), "release")):
        found = viewer.get(f"{HOME}look", params={"id": typed})
        assert (found.status_code, found.url.path) == (200, f"{HOME}{page}")
    happens(db, str(live), "tea-03")
    both = viewer.get(f"{HOME}look", params={"id": str(live)}).text
    assert 'href="user?id=1"' in both
    assert 'href="release?id=1"' in both
    assert "Nothing here has this id" in viewer.get(f"{HOME}look?id=TEA03").text


@pytest.mark.parametrize("odd", [ODD, "a/b", "50%", "a&b=c", "a+b", "a#b", " ä ö ", '"', "%2f", "👍"])
def test_any_text_may_be_an_id(viewer: TestClient, db: Db, odd: str) -> None:
    happens(db, odd, odd)
    page = viewer.get(f"{HOME}look", params={"id": odd})
    assert (page.status_code, page.url.path) == (200, f"{HOME}user")
    assert "<img" not in page.text
    (link,) = re.findall(r'href="(item\?id=[^"]*)"', page.text)
    db.execute("INSERT INTO nextpick.items (item_id, title) VALUES (%s, %s)", (odd, odd))
    item = viewer.get(f"{HOME}{link}")
    assert (item.status_code, "<img" in item.text) == (200, False)


def test_a_user_has_a_history_and_answers_with_what_was_taken_of_them(viewer: TestClient, live: int, db: Db) -> None:
    answered(db, "tea03", "tea-01", "tea-02")
    happens(db, "tea03", "tea-02", SOON + timedelta(hours=1), "click")
    happens(db, "tea03", "tea-01", SOON + timedelta(days=2))  # too late to come of the answer
    happens(db, "tea04", "tea-01", SOON + timedelta(hours=1))  # somebody else
    page = viewer.get(f"{HOME}user?id=tea03").text
    assert "Tea Number 02 → click" in text(page)
    assert "Tea Number 01 → " not in text(page)
    assert f"nextpick why {ANSWER}" in page
    assert page.index("2025-11-14 18:05") < page.index("2025-11-12 19:05")
    for n in range(110):
        happens(db, "tea03", "tea-05", SOON + timedelta(days=3, minutes=n), "view")
    page = viewer.get(f"{HOME}user?id=tea03").text
    assert (page.count("<td>view"), "The newest 100; older ones are not shown." in page) == (100, True)


def test_the_list_stands_beside_the_answer_of_now_with_reasons(viewer: TestClient, live: int, db: Db) -> None:
    part = text(viewer.get(f"{HOME}lists?id=tea03").text)
    assert "You bought this" in part
    assert "reranked" in part
    assert "Since then the user did nothing that counts" in part
    for _ in range(3):
        happens(db, "tea03", "tea-14", SOON)
    db.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = 'tea-00'")
    page = viewer.get(f"{HOME}lists?id=tea03").text
    now, listed = page.split("The list in release")
    assert "tea-14" in now
    assert "last on 12 Nov" in text(now)
    assert "Since then the user did 3 things that count: with them" in text(listed)
    assert "tea-00" not in now
    assert 'class="hidden"' in listed


def test_the_answer_is_the_one_that_the_command_line_gives(viewer: TestClient, live: int, db: Db) -> None:
    from nextpick.settings import load_settings
    from nextpick.stages import recommend

    loaded, found = recommend.run(db, load_settings(), "tool05", inspector_lists.SHOWN)
    ids = [loaded.items.ids[row] for row in found.slots.item_rows.tolist()]
    now = viewer.get(f"{HOME}lists?id=tool05").text.split("The list in release")[0]
    assert re.findall(r'href="item\?id=([^"]*)"', now) == ids


def test_a_user_nobody_knows_has_no_list_and_popular_items(viewer: TestClient, live: int) -> None:
    page = viewer.get(f"{HOME}user?id=nobody").text
    assert "No event of this user is stored." in page
    part = viewer.get(f"{HOME}lists?id=nobody").text
    assert "There is no list for this user" in part
    assert "Nothing is known of since then either" in part
    assert "most popular of the week" in part


def test_an_erased_user_is_shown_nothing_of_and_it_says_so(viewer: TestClient, live: int, db: Db) -> None:
    db.execute("CREATE TABLE kept AS SELECT * FROM nextpick.lists WHERE user_id = 'tea03'")
    erasure.forget(db, "tea03", 30)
    happens(db, "tea03", "tea-01")  # what a writer that began earlier brings in late is gone, too
    answered(db, "tea03", "tea-02")
    db.execute("INSERT INTO nextpick.lists SELECT * FROM kept")
    db.execute("UPDATE nextpick.erased_users SET erased_at = now() + interval '1 hour'")
    found = viewer.get(f"{HOME}look?id=tea03")
    assert found.url.path == f"{HOME}user"
    assert "Erased on" in found.text
    for left in ("tea-01", "tea-02", "purchase", str(ANSWER)):
        assert left not in found.text
    part = text(viewer.get(f"{HOME}lists?id=tea03").text)
    assert "There is no list for this user" in part
    assert "You bought" not in part


@pytest.mark.parametrize("fault", ["gone", "changed", "large"])
def test_a_bundle_that_cannot_be_used_is_told_beside_the_list(
    viewer: TestClient, live: int, db: Db, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "large":
        monkeypatch.setattr(inspector_lists, "MOST_BYTES", 1000)
    elif fault == "gone":
        db.execute("UPDATE nextpick.releases SET bundle_uri = '/nowhere/at/all'")
    else:
        db.execute("UPDATE nextpick.releases SET bundle_sha256 = 'another'")
    part = text(viewer.get(f"{HOME}lists?id=tea03").text)
    assert "The answer cannot be computed here." in part
    assert "The list in release 1" in part
    assert "Tea Number" in part


def test_another_release_that_goes_live_is_the_one_that_answers(
    viewer: TestClient, live: int, db: Db, version: Version
) -> None:
    assert "The list in release 1" in text(viewer.get(f"{HOME}lists?id=tea03").text)
    publish(db, version)
    assert "The list in release 2" in text(viewer.get(f"{HOME}lists?id=tea03").text)
    assert [key[1] for key in inspector_lists._kept] == [2]


def test_where_traffic_is_split_the_release_that_answers_the_user_is_the_one_shown(
    viewer: TestClient, live: int, db: Db, version: Version
) -> None:
    challenger = publish(db, version, flip=False)
    traffic.write(db, challenger, 0.5, False, "salt")
    theirs = {user: is_challengers(user, "salt", 0.5) for user in ("tea01", "tea02", "tea03", "tea04", "tea05")}
    assert set(theirs.values()) == {True, False}
    for user, is_theirs in theirs.items():
        part = text(viewer.get(f"{HOME}lists?id={user}").text)
        assert f"The list in release {challenger if is_theirs else live}" in part
        assert ("answered by the challenger" in part) is is_theirs
    traffic.write(db, challenger, 1, True, "salt")  # in the shadow
    assert f"The list in release {live}" in text(viewer.get(f"{HOME}lists?id=tea01").text)


def test_an_item_has_its_row_what_the_ranker_knows_of_it_and_what_is_like_it(
    viewer: TestClient, live: int, db: Db
) -> None:
    page = viewer.get(f"{HOME}item?id=tea-03").text
    for part in ("Tea Number 03", "3.00", "popularity_28d", "in the last 28 days", "Similar items", "item?id=tea-"):
        assert part in page
    assert "Hidden" not in page
    db.execute("UPDATE nextpick.items SET hidden = true WHERE item_id = 'tea-03'")
    assert "Hidden: it is in no answer." in viewer.get(f"{HOME}item?id=tea-03").text
    db.execute("INSERT INTO nextpick.items (item_id, title, attributes) VALUES ('new', %s, '{\"a\": [1]}')", (ODD,))
    page = viewer.get(f"{HOME}item?id=new").text
    assert "does not know it" in page
    assert ODD not in page
    db.execute("DELETE FROM nextpick.items WHERE item_id = 'tea-03'")
    found = viewer.get(f"{HOME}look?id=tea-03")
    assert (found.url.path, "The catalogue has it no more" in found.text) == (f"{HOME}item", True)


def test_a_release_says_what_stands_against_it_and_whether_it_can_be_gone_back_to(
    viewer: TestClient, live: int, db: Db, version: Version, tmp_path: Path
) -> None:
    other = replace(another_bundle(version, tmp_path), version="2", lineage={"git_sha": "abc", "data_md5": "d5"})
    second, third = publish(db, other), publish(db, version, flip=False)
    pages = {n: text(viewer.get(f"{HOME}release?id={n}").text) for n in (live, second, third)}
    assert "Can it be gone back to?Yes, by rollback" in pages[live]
    assert "No: it is live." in pages[second]
    assert "git abc" in pages[second]
    assert "No: it was made after the live one" in pages[third]
    db.execute("UPDATE nextpick.releases SET status = 'blocked', reasons = %s WHERE release_id = %s", ([ODD], third))
    standings.reject(db, live, "anna: sold out")
    rejections.add(db, standings.get(db, live), who="anna", reason="sold out")
    release_log.add(db, "rollback", who="anna", before=live, after=second, reason=ODD)
    assert "&lt;img" in viewer.get(f"{HOME}release?id={third}").text
    page = viewer.get(f"{HOME}release?id={live}").text
    assert ODD not in page
    assert "It was live, and somebody went back from it:anna: sold out" in text(page)
    assert f"Its model, version {version.version}, was rejected, as somebody went back from it: anna: sold out" in text(
        page
    )
    assert "<td>rollback" in page
    db.execute("UPDATE nextpick.releases SET status = 'dropped' WHERE release_id = %s", (live,))
    assert "No: its lists are no longer in the database." in text(viewer.get(f"{HOME}release?id={live}").text)
    assert viewer.get(f"{HOME}release?id=77").status_code == 404


def test_a_comparison_is_told_without_users_who_were_erased(viewer: TestClient, live: int, db: Db) -> None:
    names = ("users", "items", "length", "empty", "short", "coverage", "popularity_share", "unavailable")
    figures, worst = dict.fromkeys(names, 0.5), [[0.1, "tea01"], [0.2, "tea02"]]
    diff = {"against": 0, "k": 10, "gained": 3, "lost": 1, "both": 21, "overlap": 0.5, "worst": worst}
    db.execute("UPDATE nextpick.releases SET diff = %s", (Jsonb({**diff, "new": figures, "live": figures}),))
    page = viewer.get(f"{HOME}release?id={live}").text
    for part in ("3 users are new, 1 are lost", "overlap by 0.50", "50.0 %", 'href="user?id=tea01"'):
        assert part in page
    db.execute("INSERT INTO nextpick.erased_users (user_id) VALUES ('tea01')")
    page = viewer.get(f"{HOME}release?id={live}").text
    assert ("tea01" in page, "tea02" in page) == (False, True)


@pytest.mark.needs("chromium")
def test_in_a_browser_the_field_leads_to_a_user_and_what_others_wrote_stays_text(
    airflow: Any, live: int, db: Db
) -> None:
    db.execute("UPDATE nextpick.items SET title = %s WHERE item_id = 'tea-05'", (ODD,))
    happens(db, "tea03", "tea-05", datetime.now(UTC) - timedelta(hours=1), ODD[:64])
    with chromium(airflow) as seen:
        seen.page.goto("/plugin/nextpick")
        frame = seen.page.frame_locator("iframe")
        frame.get_by_label("User, item or release").fill("tea03")
        frame.get_by_role("button", name="Look up").click()
        frame.get_by_role("heading", name="User tea03").wait_for()
        frame.get_by_role("heading", name="Answered now").wait_for()
        assert frame.get_by_text("<img src=x").first.is_visible()
        seen.page.wait_for_url("**/plugin/nextpick/nextpick-home/user?id=tea03")
        frame.locator('[data-part] a[href^="item"]').first.click()
        frame.get_by_role("heading", name="Similar items").wait_for()
        assert seen.page.evaluate("window.hit") is None
        seen.page.goto("/plugin/nextpick/nextpick-home/release?id=1")  # an address that was kept leads there again
        seen.page.frame_locator("iframe").get_by_role("heading", name="Release 1").wait_for()
        assert [line for line in seen.faults() if "Content Security" in line] == []
