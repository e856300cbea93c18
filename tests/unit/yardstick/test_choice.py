"""Choosing settings: ladders are climbed while it helps, a budget ends it, and what is refused is worth nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.yardstick.choice import carvings, settle, tune, valued
from benchmarks.yardstick.settings import LADDERS, START, grown, params_of, spans_of, start_of
from benchmarks.yardstick.split import read_split
from nextpick.errors import ConfigError
from nextpick.params import GENERATORS
from nextpick.tuning.space import Span
from tests.unit.yardstick.planted import ring

LADDER = {"x": (0, 1, 2, 3, 4, 5), "y": (1, 10, 100)}


def never() -> bool:
    return False


def hill(update: Any) -> float:
    return 1 / (1 + (update["x"] - 4) ** 2 + abs(update["y"] - 10))


def test_the_top_is_reached_by_steps_up_and_down() -> None:
    assert settle(hill, {"x": 1, "y": 100}, LADDER, never) == {"x": 4, "y": 10}


def test_a_start_between_the_steps_is_no_obstacle() -> None:
    assert settle(hill, {"x": 4.5, "y": 50}, LADDER, never) == {"x": 4, "y": 10}


def test_without_time_the_start_is_kept() -> None:
    assert settle(hill, {"x": 1, "y": 100}, LADDER, lambda: True) == {"x": 1, "y": 100}


def test_what_is_refused_is_worth_nothing() -> None:
    def refused(update: Any) -> float:
        if update["x"] > 2:
            raise ConfigError("too much")
        return float(update["x"])

    assert settle(refused, {"x": 0, "y": 10}, LADDER, never)["x"] == 2


def test_tuning_betters_its_start_and_ends_when_its_time_is_over() -> None:
    asked: list[float] = []

    def value(update: Any) -> float:
        asked.append(update["x"])
        return -abs(update["x"] - 0.3) + 1

    best = tune(value, {"x": 4.0, "y": 1}, {"x": Span(0.01, 10)}, lambda: len(asked) > 25, 1)
    assert abs(best["x"] - 0.3) < 1 < 4 - best["x"]
    assert best["y"] == 1
    assert len(asked) == 26


@pytest.mark.parametrize("kind", GENERATORS)
def test_all_that_is_tried_is_a_setting_of_its_kind(kind: str) -> None:
    start = start_of(kind, "order")
    for name, ladder in LADDERS[kind].items():
        assert start[name] is not None
        for step in ladder:
            assert getattr(getattr(params_of({kind: {name: step}}, "none"), kind), name) == step
    assert set(START[kind]) <= set(start)


@pytest.mark.parametrize("kind", GENERATORS)
def test_tuning_varies_settings_of_the_kind_and_decay_only_where_an_order_is_told(kind: str, tmp_path: Path) -> None:
    told = read_split(*ring(tmp_path))
    spans, untold = spans_of(kind, told), spans_of(kind, replace(told, timing="none"))
    assert set(spans) <= set(start_of(kind, "order"))
    assert bool(spans) == bool(LADDERS[kind])
    assert set(spans) - set(untold) <= {"half_life_days"}
    assert "half_life_days" not in untold


def test_a_setting_is_judged_on_train_alone_and_once(tmp_path: Path) -> None:
    train, test = ring(tmp_path)
    told: list[str] = []
    split = read_split(train, test)
    value = valued("item_knn", carvings(split, 1), 5, 1, told.append)
    start = start_of("item_knn", split.timing)
    assert value(start) == value(dict(start)) > 0.3
    assert len(told) == 1
    test.write_text(test.read_text().replace(" 1", " 2"))  # another test, of the same users
    assert valued("item_knn", carvings(read_split(train, test), 1), 5, 1, told.append)(start) == value(start)


def test_a_small_train_is_carved_several_times(tmp_path: Path) -> None:
    assert len(carvings(read_split(*ring(tmp_path)), 1)) == 4


def test_where_the_time_is_up_sizes_are_no_smaller_than_they_should_be() -> None:
    assert grown("als", {"factors": 64, "alpha": 3.0}) == {"factors": 256, "alpha": 3.0}
    assert grown("als", {"factors": 512})["factors"] == 512
    assert grown("popular", {"half_life_days": 5.0}) == {"half_life_days": 5.0}
