"""The search, with a judge that knows the answer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nextpick.errors import ConfigError, DataError
from nextpick.tuning.space import Span, Values
from nextpick.tuning.study import Study

BLOCKS = {"a": {"a.x": Span(-1, 1, "linear")}, "b": {"b.n": Span(1, 100, "whole")}}
START = {"a.x": -1.0, "b.n": 100}


def peak(values: Values) -> Iterator[float]:
    """Best at x = 0.5 and n = 10, on each of two windows."""
    worth = 1 - abs(values["a.x"] - 0.5) - abs(values["b.n"] - 10) / 100
    yield worth - 0.1
    yield worth


def begun(folder: Path, about: str = "md5") -> Study:
    return Study(folder / "tuning" / "journal.log", BLOCKS, START, about)


def never() -> bool:
    return False


def go(study: Study, trials: int, judge: Callable[[Values], Iterator[float]] = peak) -> Study:
    for _ in range(trials):
        study.next(judge, 2, 42, never)
    return study


def test_what_is_there_is_measured_first_and_the_best_comes_near_the_peak(tmp_path: Path) -> None:
    study = go(begun(tmp_path), 40)
    first, best = study.tried[0], study.best
    assert (first.block, first.values, first.state) == ("present", START, "tried")
    assert best is not None
    assert best.worth > 0.9 > first.worth
    assert best.worth == max(one.worth for one in study.tried if one.state == "tried")


def test_one_block_is_varied_at_a_time_from_the_best_so_far(tmp_path: Path) -> None:
    study, best = begun(tmp_path), dict(START)
    for _ in range(12):
        tried = go(study, 1).tried[-1]
        others = {name: value for name, value in tried.values.items() if not name.startswith(f"{tried.block}.")}
        assert others.items() <= best.items()
        assert study.best is not None
        best = study.best.values
    assert {one.block for one in study.tried} == {"present", "a", "b"}


def test_what_does_badly_on_the_first_window_is_not_tried_on_the_second(tmp_path: Path) -> None:
    study = go(begun(tmp_path), 25)
    pruned = [one for one in study.tried if one.state == "pruned"]
    assert pruned
    assert study.best is not None
    assert all(one.worth < study.best.worth for one in pruned)
    assert {(one.state, one.windows) for one in study.tried} == {("tried", 2), ("pruned", 1)}


def test_a_search_is_gone_on_with_after_a_crash_and_what_was_under_way_counts_as_failed(tmp_path: Path) -> None:
    before = go(begun(tmp_path), 5).tried

    def killed(values: Values) -> Iterator[float]:
        raise SystemExit
        yield 0.0

    with pytest.raises(SystemExit):
        go(begun(tmp_path), 1, killed)
    study = begun(tmp_path)
    assert study.tried[:5] == before
    assert study.tried[5].state == "failed"
    assert go(study, 1).tried[6].number == 6


def test_the_same_search_tries_the_same(tmp_path: Path) -> None:
    once, again = (go(begun(tmp_path / name), 8) for name in ("once", "again"))
    assert once.tried == again.tried


def test_what_cannot_be_fitted_is_a_failed_trial_and_the_search_goes_on(tmp_path: Path) -> None:
    study = go(begun(tmp_path), 1)

    def faulty(values: Values) -> Iterator[float]:
        yield 0.5
        raise DataError("too large")

    assert go(study, 1, faulty).tried[1].state == "failed"
    assert study.best == study.tried[0]


def test_what_cannot_be_measured_as_it_is_ends_the_search_with_its_error(tmp_path: Path) -> None:
    def faulty(values: Values) -> Iterator[float]:
        raise DataError("too large")
        yield 0.0

    with pytest.raises(DataError, match="too large"):
        go(begun(tmp_path), 1, faulty)


def test_when_time_is_up_the_first_trial_is_measured_whole_and_others_end_between_windows(tmp_path: Path) -> None:
    study = begun(tmp_path)
    assert study.next(peak, 2, 42, lambda: True).state == "tried"
    assert study.next(peak, 2, 42, lambda: True).state == "pruned"


def test_a_journal_of_other_data_is_refused(tmp_path: Path) -> None:
    go(begun(tmp_path), 1)
    with pytest.raises(ConfigError, match=r"journal.log is of a search on other data or from other parameters"):
        begun(tmp_path, about="another")
