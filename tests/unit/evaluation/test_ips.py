"""The estimate by inverse propensities finds what another policy would have earned, and knows how sure it is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextpick.evaluation.ips import HEAVIEST, Estimate, Places, anywhere, estimate
from nextpick.release.explore import explore

ITEMS, K, SHARE, ANSWERS = 12, 3, 0.4, 800
TAKEN = np.array([0.10, 0.35, 0.20, 0.60, 0.05, 0.50, 0.15, 0.30, 0.45, 0.02, 0.25, 0.40])  # of each item, looked at
LOOKED_AT = np.array([1.0, 0.7, 0.5])  # each place
OTHER = np.array([5, 1, 8])  # what the other policy shows: of the logging one's first three, only the second


MOVED = np.array([1, 5, 0])  # two of the first three, in other places, and a new one


def truth(items: np.ndarray, looked_at: np.ndarray = LOOKED_AT) -> float:
    return float((TAKEN[items] * looked_at).sum())


def traffic(seed: int, other: np.ndarray = OTHER, answers: int = ANSWERS, *, by_item: bool = False) -> Places:
    """What is logged of answers that show the items 0, 1, 2 but where the lot says otherwise, each to another user.

    By item, all places are looked at alike.
    """
    drawn = [explore(ITEMS, K, SHARE, seed * 1_000_000 + n) for n in range(answers)]
    shown, odds = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
    whose, place = np.repeat(np.arange(answers), K), np.tile(np.arange(K), answers)
    looked_at = np.ones(K) if by_item else LOOKED_AT
    takes = np.random.default_rng(seed).random(len(shown)) < TAKEN[shown] * looked_at[place]
    by_lot, same = shown >= K, shown == other[place]
    if by_item:
        odds, same = anywhere(odds, np.full(len(odds), K)), np.isin(shown, other)
    return Places(whose, whose, same, takes.astype(np.float64), odds, by_lot)


def found(places: Places, heaviest: float = HEAVIEST) -> Estimate:
    one = estimate(places, heaviest)
    assert one is not None
    return one


@pytest.mark.parametrize(("other", "by_item"), [(OTHER, False), (MOVED, True)])
def test_the_interval_holds_what_another_policy_earns_and_the_bare_mean_does_not(
    other: np.ndarray, by_item: bool
) -> None:
    wanted = truth(other, np.ones(K) if by_item else LOOKED_AT)
    covered = bare = normalised = 0
    for seed in range(100):
        one = found(traffic(seed, other, by_item=by_item))
        covered += one.low <= wanted <= one.high
        bare += abs(one.logged - wanted) <= one.high - one.reward
        normalised += abs(one.snips - wanted) <= one.high - one.reward
        assert one.supported == pytest.approx(1, abs=0.35)
    assert covered >= 90
    assert normalised >= 90
    assert bare <= 10


def test_an_items_odds_of_any_place_are_those_it_is_drawn_with() -> None:
    tries, shows, told = 20_000, np.zeros(ITEMS), np.zeros(ITEMS)
    for seed in range(tries):
        shown, odds = explore(ITEMS, K, SHARE, seed)
        shows[shown] += 1
        told[shown] = anywhere(odds, np.full(K, K))
    assert shows / tries == pytest.approx(told, abs=0.02)


def test_the_policy_that_answered_earns_what_was_earned() -> None:
    """Its own lists without lots: nearly all places speak for them, and the bounds are as narrow as that allows."""
    one = found(traffic(3, np.arange(K), 6000))
    assert one.low <= truth(np.arange(K)) <= one.high
    assert one.high - one.low < 0.06
    assert one.effective_sample_size == pytest.approx(6000 * K * (1 - SHARE), rel=0.03)


def test_lists_that_could_not_have_been_shown_are_said_to_be_so() -> None:
    """An item of the first three never stands in another's place: reordered, they earn nothing by this estimate."""
    one = found(traffic(4, np.array([1, 0, 5])))
    assert one.supported == pytest.approx(1 / 3, abs=0.2)
    assert one.high < truth(np.array([1, 0, 5]))
    assert one.snips > one.reward
    assert found(traffic(4, np.array([1, 0, 5]), by_item=True)).supported == pytest.approx(1, abs=0.2)


def test_clipping_only_lowers() -> None:
    places = traffic(5)
    rewards = [found(places, heaviest).reward for heaviest in (2.0, 5.0, 20.0, HEAVIEST)]
    assert rewards == sorted(rewards)
    assert rewards[0] < rewards[-1]


def test_small_figures_can_be_reckoned_by_hand() -> None:
    """Two answers of two places each, of two users."""
    places = Places(
        answers=np.array([7, 7, 9, 9]),
        users=np.array([1, 1, 4, 4]),
        same=np.array([True, False, True, True]),
        rewards=np.array([1.0, 1.0, 0.0, 1.0]),
        propensities=np.array([0.5, 0.25, 0.5, 0.25]),
        by_lot=np.array([False, True, False, True]),
    )
    one = found(places)
    assert (one.reward, one.logged, one.answers) == (3.0, 1.5, 2)  # (1/.5 + 1/.25) / 2
    assert one.snips == pytest.approx(6 / 8 * 2)
    assert one.effective_sample_size == pytest.approx(8**2 / (4 + 4 + 16))
    assert (one.supported, one.lots) == (2.0, 1)
    assert one.high - one.reward == pytest.approx(1.959964)  # of 2 and 4 a standard error of 1
    assert one.figures()["ips_reward_per_answer"] == 3.0


def test_a_users_answers_are_not_taken_for_independent() -> None:
    """Each user's answer logged nine times over says no more than once."""
    places = traffic(6, answers=300)
    again = replace(
        places,
        answers=np.concatenate([places.answers + 1000 * n for n in range(9)]),
        **{name: np.tile(getattr(places, name), 9) for name in ("users", "same", "rewards", "propensities", "by_lot")},
    )
    one, nine = found(places), found(again)
    assert (nine.low, nine.high) == (pytest.approx(one.low), pytest.approx(one.high))
    assert nine.answers == 9 * one.answers


@given(st.data())
def test_order_and_names_do_not_matter(data: st.DataObject) -> None:
    places = traffic(7, answers=20)
    order = np.array(data.draw(st.permutations(range(20 * K))))
    shuffled = Places(
        answers=900 - places.answers[order],
        users=900 - places.users[order],
        same=places.same[order],
        rewards=places.rewards[order],
        propensities=places.propensities[order],
        by_lot=places.by_lot[order],
    )
    assert found(shuffled).figures() == pytest.approx(found(places).figures())


def test_no_match_is_an_estimate_of_nothing_and_too_few_users_are_none() -> None:
    places = traffic(8, np.array([-1, -1, -1]), answers=5)
    one = found(places)
    assert (one.reward, one.snips, one.effective_sample_size, one.supported) == (0.0, 0.0, 0.0, 0.0)
    assert estimate(replace(places, users=np.zeros(5 * K, np.int64))) is None
    none = np.empty(0)
    assert estimate(Places(none, none, none.astype(bool), none, none, none.astype(bool))) is None


@pytest.mark.parametrize("odds", [0.0, -0.5, 1.5, np.nan])
def test_a_propensity_that_is_none_is_refused(odds: float) -> None:
    one = np.zeros(1)
    with pytest.raises(ValueError, match=f"A propensity is {odds}; it must be above 0 and at most 1"):
        estimate(Places(one, one, one == 0, one, np.array([odds]), one == 0))
