"""One true sentence an item."""

from datetime import UTC, datetime

import pytest

from nextpick.release.reasons import Fact, day, reason, verb

CUTOFF = int(datetime(2025, 11, 13, tzinfo=UTC).timestamp() * 1e6)
BOUGHT = int(datetime(2025, 11, 12, 23, 59, 59, tzinfo=UTC).timestamp() * 1e6)


@pytest.mark.parametrize(
    ("fact", "sentence"),
    [
        (Fact(times=1, last_at=BOUGHT), "You bought this once, on 12 Nov"),
        (Fact(times=2, last_at=BOUGHT), "You bought this twice, last on 12 Nov"),
        (Fact(times=4, last_at=BOUGHT, by_taste=True, week_rank=0), "You bought this 4 times, last on 12 Nov"),
        (Fact(by_taste=True, week_rank=0), "Suggested by what people like you bought"),
        (Fact(week_rank=99, recent=True), "Among the 100 most popular of the week to 12 Nov"),
        (Fact(week_rank=100, recent=True), "Somebody bought this in the 28 days to 12 Nov"),
        (Fact(), "From the rest of the catalogue, to complete your list"),
    ],
)
def test_the_users_own_history_comes_first_then_people_alike_then_popularity(fact: Fact, sentence: str) -> None:
    assert reason(fact, "bought", CUTOFF, CUTOFF) == sentence


def test_a_day_of_another_year_says_so() -> None:
    later = int(datetime(2026, 1, 2, tzinfo=UTC).timestamp() * 1e6)
    assert day(BOUGHT, later) == "12 Nov 2025"


@pytest.mark.parametrize(
    ("kinds", "done"),
    [(("purchase",), "bought"), (("view",), "viewed"), (("purr",), "chose"), (("purchase", "view"), "chose")],
)
def test_a_mixture_of_kinds_is_not_called_buying(kinds: tuple[str, ...], done: str) -> None:
    assert verb(kinds) == done
