"""Why an item is in an answer, in one sentence that the data bears out."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from nextpick.schema import US_PER_DAY

DONE = {"purchase": "bought", "view": "viewed", "rating": "rated", "click": "clicked", "play": "played"}
TOP = 100  # how many items "most ..." may name


class Fact(NamedTuple):
    """What is known of one answered item.

    `times` and `last_at` (microseconds since 1970 UTC) are the user's own history with it; `by_taste` says that a
    generator that learns from other users proposed it; `week_rank` is its place, from 0, among the release's most
    popular of the 7 days before the cutoff, or None where nobody took it then; `recent` says that somebody did within
    28 days.
    """

    times: int = 0
    last_at: int = 0
    by_taste: bool = False
    week_rank: int | None = None
    recent: bool = False


def verb(kinds: tuple[str, ...]) -> str:
    """The past participle for the kinds of event that count; "chose" fits any mixture."""
    return DONE.get(kinds[0], "chose") if len(kinds) == 1 else "chose"


def reason(fact: Fact, done: str, cutoff: int, as_of: int) -> str:
    """The strongest true sentence: the user's own history, then people alike, then popularity.

    `cutoff` is the release's: popularity is counted back from it, so a sentence on it names that day.
    """
    if fact.times > 0:
        often = "once" if fact.times == 1 else "twice" if fact.times == 2 else f"{fact.times} times"
        when = day(fact.last_at, as_of)
        return f"You {done} this {often}, on {when}" if fact.times == 1 else f"You {done} this {often}, last on {when}"
    if fact.by_taste:
        return f"Suggested by what people like you {done}"
    if fact.week_rank is not None and fact.week_rank < TOP:
        return f"Among the {TOP} most popular of the week to {day(cutoff - 1, as_of)}"
    if fact.recent:
        return f"Somebody {done} this in the 28 days to {day(cutoff - 1, as_of)}"
    return "From the rest of the catalogue, to complete your list"


def day(moment: int, as_of: int) -> str:
    """A UTC day such as "12 Nov", with the year where it is not as_of's."""
    return _day(moment // US_PER_DAY, as_of // US_PER_DAY)


@lru_cache(4096)
def _day(moment: int, as_of: int) -> str:
    """Of days since 1970; the same few are said again and again, and writing one takes microseconds."""
    then, now = (datetime.fromtimestamp(days * 86_400, UTC) for days in (moment, as_of))
    text = f"{then.day} {then:%b}"
    return text if then.year == now.year else f"{text} {then.year}"
