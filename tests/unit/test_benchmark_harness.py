"""The harness that benchmarks share, on a clock of our own: it must see the difference that is there."""

import json

import pytest

from benchmarks import harness
from benchmarks.harness import Timing, alternate, ratio, report


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """CPU seconds used so far; a case adds what it costs."""
    used = [0.0]
    monkeypatch.setattr(harness, "cpu_seconds", lambda: used[0])
    return used


def test_cases_run_in_turn_and_their_ratio_is_the_ratio_of_their_costs(clock: list[float]) -> None:
    order: list[str] = []

    def costs(name: str, seconds: float) -> None:
        order.append(name)
        clock[0] += seconds

    cases = {"a": lambda: costs("a", 1.0), "b": lambda: costs("b", 3.0)}
    timings = alternate(cases, repeats=5, at_least_seconds=0.5)
    assert order[-10:] == ["a", "b"] * 5
    assert ratio(timings, "b", "a") == 3.0
    assert timings["a"].spread == 0.0


def test_a_quick_case_is_looped_until_the_clock_can_see_it(clock: list[float]) -> None:
    calls = [0]

    def quick() -> None:
        calls[0] += 1
        clock[0] += 1e-4

    timing = alternate({"quick": quick}, repeats=5, at_least_seconds=0.2)["quick"]
    assert timing.median == pytest.approx(1e-4)
    assert calls[0] > 5 * 2000


def test_too_few_repeats_are_refused() -> None:
    with pytest.raises(ValueError, match="4 repeats say too little"):
        alternate({"a": lambda: None}, repeats=4)


def test_the_last_line_is_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    report({"a": Timing((1.0, 2.0, 3.0))}, of_b=0.5)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"of_b": 0.5, "a_spread": 1.0, "repeats": 3}
