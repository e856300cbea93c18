"""The benchmark of trouble counts what happens in it, and only that."""

from collections import Counter
from typing import Any, cast

import pytest

from benchmarks import trouble
from benchmarks.trouble import noticed, report
from benchmarks.yardstick.noticed import Load, Tally
from benchmarks.yardstick.served import Server


class Idle:
    """A server that nobody asks."""

    port = 1

    def kept_waiting(self) -> float:
        return 0.0


@pytest.fixture
def made() -> Load:
    return Load(cast(Server, Idle()), [b""], 1.0)


def refused(made: Load, times: int) -> None:
    for _ in range(times):
        made.took(0.0, b"HTTP/1.1 503 Service Unavailable\r\n\r\n")


def test_the_warm_up_counts_for_nothing_and_what_comes_late_of_a_trouble_counts_for_that(
    made: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = iter([100, 10, 20, 10, 20])  # refusals in each: warming up, and the calm after each trouble
    monkeypatch.setattr(trouble, "sleep", lambda _: refused(made, next(pauses)))
    happening: Any = {"one": lambda: refused(made, 1), "other": lambda: refused(made, 2)}
    tallies = noticed(made, happening, 2)
    assert tallies == {"one": Tally(statuses=Counter({503: 22})), "other": Tally(statuses=Counter({503: 44}))}
    assert report(tallies, made, [], 1.0)["read_5xx"] == 66


def test_every_event_that_was_acknowledged_must_be_there_and_none_twice(made: Load) -> None:
    made.sent, made.acknowledged = {"a", "b", "c", "d"}, {"a", "b", "c"}
    found = report({"one": Tally()}, made, ["a", "b", "b", "d", "d", "d"], 1.0)
    assert (found["events_acknowledged"], found["events_lost"], found["events_doubled"]) == (3, 1, 3)
