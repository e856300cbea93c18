"""Traffic is split by a person with a reason, between models that differ, and ends with what it was for."""

from datetime import UTC, datetime

import psycopg
import pytest

from nextpick.errors import ConfigError, ReleaseRefused, StoreError
from nextpick.release.publish import drop
from nextpick.settings import Settings
from nextpick.stages import go_live, rollback, split
from nextpick.stages.split import Wanted
from nextpick.store import drift, release_log, releases, traffic
from tests.integration.release.generations import made, same
from tests.integration.rollback.conftest import live

WHO = {"who": "anna", "because": "is it better?"}


def shares(conn: psycopg.Connection) -> dict[str, tuple[int, float]]:
    rows = conn.execute("SELECT variant, release_id, round(share::numeric, 4)::float8 FROM nextpick.live").fetchall()
    conn.rollback()
    return {variant: (release, share) for variant, release, share in rows}


@pytest.fixture
def three(conn: psycopg.Connection, settings: Settings, two: tuple[int, int]) -> tuple[int, int]:
    """The first release is live again for a reason that lifts nothing: the second one's model waits to be tried."""
    first, second = two
    conn.execute("UPDATE nextpick.live SET release_id = %s", (first,))
    conn.commit()
    return first, second


def test_a_share_is_given_moved_and_taken_back_and_each_step_is_logged(
    conn: psycopg.Connection, settings: Settings, three: tuple[int, int]
) -> None:
    first, second = three
    found = split.run(conn, settings, Wanted(second, 0.1), **WHO)
    assert (found.release_id, found.share, found.shadow) == (second, pytest.approx(0.1), False)
    assert shares(conn) == {"default": (first, 0.9), "challenger": (second, 0.1)}
    more = split.run(conn, settings, Wanted(second, 0.5), **WHO)
    assert more.salt == found.salt  # those of the tenth stay
    assert shares(conn)["default"] == (first, 0.5)
    split.run(conn, settings, Wanted(second, 1.0, shadow=True), **WHO)
    assert shares(conn) == {"default": (first, 1.0), "challenger": (second, 1.0)}
    ended = split.end(conn, who="ben", because="seen enough")
    assert ended is not None
    assert ended.release_id == second
    assert shares(conn) == {"default": (first, 1.0)}
    assert split.end(conn, who="ben", because="again") is None
    entries = release_log.newest(conn, 4)
    assert [(entry.action, entry.to_release, entry.from_release) for entry in entries] == [
        ("unsplit", None, second), ("split", second, second), ("split", second, second), ("split", second, None)
    ]  # fmt: skip
    assert entries[1].reason == "shadow of 1: is it better?"
    assert live(conn) == first


@pytest.mark.parametrize(
    ("share", "shadow"), [(0.0, False), (-0.1, True), (1.0, False), (1.1, True), (float("nan"), False)]
)
def test_a_share_that_is_none_is_refused(
    conn: psycopg.Connection, settings: Settings, three: tuple[int, int], share: float, shadow: bool
) -> None:
    with pytest.raises(ConfigError, match=r"The share is .* must be 0.001 to"):
        split.run(conn, settings, Wanted(three[1], share, shadow), **WHO)
    assert traffic.read(conn) is None


def test_what_can_be_nobodys_challenger_is_refused_and_told_why(
    conn: psycopg.Connection, settings: Settings, three: tuple[int, int]
) -> None:
    first, second = three
    with pytest.raises(ConfigError, match="The reason is empty"):
        split.run(conn, settings, Wanted(second, 0.1), who="anna", because=" ")
    with pytest.raises(ReleaseRefused, match=f"Release {first} cannot be the challenger: it is live"):
        split.run(conn, settings, Wanted(first, 0.1), **WHO)
    with pytest.raises(StoreError, match="There is no release 99"):
        split.run(conn, settings, Wanted(99, 0.1), **WHO)
    row = conn.execute("SELECT bundle_uri, bundle_sha256 FROM nextpick.releases WHERE release_id = %s", (first,))
    uri, sha256 = row.fetchone() or ("", "")
    conn.rollback()
    alike = made(conn, same(), bundle=("1", uri, sha256), night=3)
    with pytest.raises(ReleaseRefused, match="it has the same model as the live release"):
        split.run(conn, settings, Wanted(alike, 0.1), **WHO)
    conn.execute(
        "UPDATE nextpick.releases SET status = 'rejected', reasons = '{complaints}' WHERE release_id = %s", (second,)
    )
    with pytest.raises(ReleaseRefused, match="it is rejected: complaints"):
        split.run(conn, settings, Wanted(second, 0.1), **WHO)
    assert traffic.read(conn) is None


def test_what_the_comparison_says_is_overruled_by_the_reason(
    conn: psycopg.Connection, settings: Settings, three: tuple[int, int]
) -> None:
    conn.execute("UPDATE nextpick.releases SET status = 'blocked' WHERE release_id = %s", (three[1],))
    assert split.run(conn, settings, Wanted(three[1], 0.1), **WHO).release_id == three[1]


def test_a_challenger_keeps_its_lists_however_old_and_takes_no_place_of_those_to_go_back_to(
    conn: psycopg.Connection, settings: Settings, three: tuple[int, int]
) -> None:
    first, second = three
    split.run(conn, settings, Wanted(second, 0.1), **WHO)
    with pytest.raises(StoreError, match="has just been made live, so its lists stay"):
        drop(conn, second)
    of = {row[0]: (str(row[1]), row[2], row[3]) for row in conn.execute(
        "SELECT release_id, model_version, bundle_uri, bundle_sha256 FROM nextpick.releases")}  # fmt: skip
    nights = [made(conn, same(), bundle=of[first], night=night) for night in (3, 4)]
    challengers = [made(conn, same(), bundle=of[second], night=night) for night in (3, 4, 5)]
    conn.execute("UPDATE nextpick.live SET release_id = %s WHERE variant = 'default'", (nights[-1],))
    conn.execute("UPDATE nextpick.live SET release_id = %s WHERE variant = 'challenger'", (challengers[-1],))
    gone = set(releases.beyond(conn, 3))
    assert not gone & {first, *nights, challengers[-1]}
    assert gone == set(challengers[:2])


def test_yesterdays_live_release_is_the_one_of_the_log_and_no_challenger(
    conn: psycopg.Connection, settings: Settings, three: tuple[int, int]
) -> None:
    first, second = three
    row = conn.execute("SELECT now()").fetchone()
    before = row[0] if row else datetime.now(UTC)
    split.run(conn, settings, Wanted(second, 0.1), **WHO)
    conn.execute("UPDATE nextpick.releases SET ready_at = now() - interval '1 hour' WHERE release_id = %s", (first,))
    conn.execute("DELETE FROM nextpick.release_log WHERE to_release = %s AND action <> 'split'", (second,))
    found = drift.release_at(conn, before)
    assert found is not None
    assert found[0] == first
    go_live.run(conn, settings, second, who="ben", because="it is")
    found = drift.release_at(conn, before)
    assert found is not None
    assert found[0] == first


def test_it_ends_once_the_challengers_model_is_live_and_not_before(
    conn: psycopg.Connection, settings: Settings, three: tuple[int, int]
) -> None:
    _, second = three
    split.run(conn, settings, Wanted(second, 0.1), **WHO)
    done = go_live.run(conn, settings, second, who="ben", because="it is")
    assert done.after == second
    assert shares(conn) == {"default": (second, 1.0)}
    assert "unsplit" in {entry.action for entry in release_log.newest(conn, 3)}


def test_it_ends_where_somebody_goes_back_to_the_challengers_model(
    conn: psycopg.Connection, settings: Settings, two: tuple[int, int]
) -> None:
    first, _ = two
    split.run(conn, settings, Wanted(first, 0.25), **WHO)
    rollback.run(conn, settings, first, who="anna", because="complaints")
    assert shares(conn) == {"default": (first, 1.0)}
