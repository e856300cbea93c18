"""Which generations are kept: what can be gone back to, and what a person may still overrule."""

import psycopg

from nextpick.store import rejections, release_log, releases, standings
from tests.integration.release.generations import made, same

GOOD, BAD = ("1", "/good", "a" * 64), ("2", "/bad", "b" * 64)


def test_what_was_gone_back_from_takes_no_place_from_what_can_be_gone_back_to(conn: psycopg.Connection) -> None:
    """Two are kept: the live one and the one before it, not the live one and two that were no good."""
    before, *nights = (made(conn, same(), bundle=bundle, night=n) for n, bundle in enumerate((GOOD, BAD, BAD)))
    left = made(conn, same(), bundle=BAD, night=3, status="rejected")
    rejections.add(conn, standings.get(conn, left), who="anna", reason="complaints")
    releases.flip(conn, made(conn, same(), bundle=GOOD, night=4))
    assert releases.beyond(conn, 2) == tuple(nights)
    assert before not in releases.beyond(conn, 2)


def test_the_model_before_can_be_gone_back_to_however_many_nights_there_were(conn: psycopg.Connection) -> None:
    older, was_live, never = (made(conn, same(), bundle=GOOD, night=n) for n in range(3))
    release_log.add(conn, "publish", who="anna", after=was_live)
    nights = [made(conn, same(), bundle=BAD, night=n) for n in range(3, 7)]
    releases.flip(conn, nights[-1])
    assert releases.beyond(conn, 2) == (older, never, *nights[:2])


def test_what_was_just_made_of_a_rejected_bundle_is_there_for_whoever_has_a_reason(conn: psycopg.Connection) -> None:
    live, left = made(conn, same(), bundle=GOOD), made(conn, same(), bundle=BAD, night=1, status="rejected")
    releases.flip(conn, live)
    rejections.add(conn, standings.get(conn, left), who="anna", reason="complaints")
    fresh = made(conn, same(), bundle=BAD, night=2)
    assert releases.beyond(conn, 2) == ()
    made(conn, same(), bundle=GOOD, night=3)
    assert releases.beyond(conn, 2) == (fresh,)
