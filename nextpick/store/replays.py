"""Replays: which held-back events of the sample have been sent, as the event ids themselves tell."""

import psycopg

from nextpick.store import sql

PREFIX = "replay-"
_SQL = sql.load("replays")


def event_id(round_number: int, original: str) -> str:
    """The id under which a round of the replay sends an event of the sample."""
    return f"{PREFIX}{round_number}-{original}"


def sent(conn: psycopg.Connection) -> dict[int, set[str]]:
    """The sample's event ids that each round has sent; empty before the first."""
    rounds: dict[int, set[str]] = {}
    for (found,) in conn.execute(_SQL["sent"], {"prefix": PREFIX}):
        number, _, original = found.removeprefix(PREFIX).partition("-")
        if number.isdigit():
            rounds.setdefault(int(number), set()).add(original)
    return rounds
