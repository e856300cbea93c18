"""What is searched."""

import pytest

from nextpick.errors import ConfigError
from nextpick.params import GENERATORS as ALL
from nextpick.params import Params
from nextpick.tuning import space
from nextpick.tuning.space import Span
from tests import worlds

EVERY_ONE = worlds.params().model_copy(update={"pool": dict.fromkeys(ALL, 50)})


@pytest.mark.parametrize("end", ["low", "high"])
def test_params_take_every_parameter_at_both_ends_of_its_span(end: str) -> None:
    for spans in space.blocks(EVERY_ONE).values():
        changed = {name: getattr(span, end) for name, span in spans.items()}
        given = {name: int(value) if spans[name].scale == "whole" else value for name, value in changed.items()}
        assert space.values(space.with_values(EVERY_ONE, given)).items() >= given.items()


def test_a_generator_that_is_not_in_the_pool_is_not_searched() -> None:
    few = EVERY_ONE.model_copy(update={"pool": {"als": 100, "popular": 50}})
    assert set(space.blocks(few)) == {"ranker", "als", "popular"}
    assert not any(name.startswith("ease") for name in space.values(few))


def test_a_span_takes_in_what_is_in_use_though_it_lies_outside() -> None:
    assert Span(1, 10).around(1e7) == Span(1, 1e7)
    assert Span(1, 10).around(0.0) == Span(0.0, 10, "linear")
    assert Span(2, 8, "whole").around(1) == Span(1, 8, "whole")


def test_only_what_is_asked_for_changes() -> None:
    changed = space.with_values(EVERY_ONE, {"als.factors": 17, "pool.als": 33})
    assert (changed.als.factors, changed.pool["als"]) == (17, 33)
    assert changed.model_copy(update={"als": EVERY_ONE.als, "pool": EVERY_ONE.pool}) == EVERY_ONE


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"als.factor": 8}, "There is no parameter als.factor in params.yaml"),
        ({"als.factors": 0}, "als.factors: Input should be greater than 0"),
    ],
)
def test_what_cannot_be_is_refused_by_name(value: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        space.with_values(EVERY_ONE, value)


def test_every_generator_with_parameters_has_some_that_are_searched() -> None:
    assert set(space.GENERATORS) == set(ALL) & set(Params.model_fields)
