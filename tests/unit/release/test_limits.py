"""What a release may change unseen: each limit by itself, to the very edge."""

from dataclasses import replace
from typing import Any

import pytest

from nextpick.params import PublishParams
from nextpick.release.diff import Diff, Figures
from nextpick.release.limits import faults

SIDE = Figures(
    users=100, items=50, length=10.0, empty=0.0, short=0.0, coverage=0.4, popularity_share=0.3, unavailable=0.0
)
SAME = Diff(
    k=10, gained=0, lost=0, both=100, overlap=1.0, deciles=(1.0,) * 9, histogram=(), worst=(), new=SIDE, live=SIDE
)
LIMITS = PublishParams()


def changed(new: dict[str, Any] | None = None, live: dict[str, Any] | None = None, **rest: Any) -> Diff:
    return replace(SAME, new=replace(SIDE, **(new or {})), live=replace(SIDE, **(live or {})), **rest)


def test_no_change_is_no_fault() -> None:
    assert faults(SAME, LIMITS) == ()


@pytest.mark.parametrize(
    ("allowed", "refused", "name"),
    [
        (changed(lost=5), changed(lost=6), "max_lost_users"),
        (changed(overlap=0.1), changed(overlap=0.099), "min_overlap"),
        (changed({"coverage": 0.2}), changed({"coverage": 0.199}), "min_coverage_ratio"),
        (changed({"popularity_share": 0.9}), changed({"popularity_share": 0.901}), "max_popularity_share"),
        (changed({"short": 0.05}), changed({"short": 0.051}), "max_short_lists"),
        (changed({"unavailable": 0.01}), changed({"unavailable": 0.011}), "max_unavailable"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_at_a_limit_it_passes_and_past_it_there_is_one_fault_that_names_it(
    allowed: Diff, refused: Diff, name: str
) -> None:
    assert faults(allowed, LIMITS) == ()
    (said,) = faults(refused, LIMITS)
    assert f"(publish.{name}: {getattr(LIMITS, name):g})" in said


@pytest.mark.parametrize("what", ["popularity_share", "short", "unavailable"])
def test_what_the_live_release_has_is_allowed_and_one_in_a_hundred_more(what: str) -> None:
    live = {what: 0.95}
    assert faults(changed({what: 0.96}, live), LIMITS) == ()
    assert len(faults(changed({what: 0.961}, live), LIMITS)) == 1


def test_more_items_in_a_larger_catalogue_are_counted_and_not_their_share() -> None:
    assert faults(changed({"items": 500, "coverage": 0.02}, {"items": 50, "coverage": 0.4}), LIMITS) == ()


def test_of_the_first_release_nothing_is_asked() -> None:
    worst = replace(SIDE, short=1.0, unavailable=1.0, popularity_share=1.0, coverage=0.0)
    assert faults(replace(SAME, new=worst, live=None, overlap=None), LIMITS) == ()
    assert faults(replace(SAME, new=worst, live=replace(SIDE, users=0), overlap=None), LIMITS) == ()
