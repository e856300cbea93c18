"""The token bucket, by a clock that is told the time."""

import pytest

from serving.bucket import Bucket


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: Bucket, tries: int) -> int:
    return sum(bucket.take() == 0 for _ in range(tries))


def test_twice_the_rate_at_once_and_the_rate_from_then_on() -> None:
    clock = Clock()
    bucket = Bucket(5, clock)
    assert taken(bucket, 100) == 10
    clock.now += 1
    assert taken(bucket, 100) == 5
    clock.now += 3600
    assert taken(bucket, 100) == 10, "what is not used is not saved up"


def test_whoever_waits_as_long_as_told_is_let_through_and_not_sooner() -> None:
    clock = Clock()
    bucket = Bucket(4, clock)
    taken(bucket, 8)
    wait = bucket.take()
    assert wait == pytest.approx(0.25)
    clock.now += wait / 2
    assert bucket.take() == pytest.approx(0.125)
    clock.now += wait / 2
    assert bucket.take() == 0
    assert bucket.take() > 0


def test_being_refused_costs_nothing() -> None:
    clock = Clock()
    bucket = Bucket(1, clock)
    taken(bucket, 1000)
    clock.now += 1
    assert taken(bucket, 10) == 1


def test_less_than_one_a_second_lets_one_through_at_a_time() -> None:
    clock = Clock()
    bucket = Bucket(0.1, clock)
    assert taken(bucket, 5) == 1
    assert bucket.take() == pytest.approx(10)
    clock.now += 10.001
    assert taken(bucket, 5) == 1
