"""The gate: better than popular, not worse than the champion, and it says why."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nextpick.evaluation.gate import Decision, Rails, Scores, notes
from nextpick.evaluation.gate import decide as judge
from nextpick.params import Params
from tests.worlds import params

PARAMS = params(gate={"margin": 0.01}, evaluation={"bootstrap_samples": 500})
RNG = np.random.default_rng(0)
GOOD = RNG.beta(2, 4, 800)  # ndcg of 800 users
POPULAR = GOOD * RNG.uniform(0, 0.8, 800)
NOISE = RNG.normal(0, 0.02, 800)
RAILS = Rails(coverage=0.3, popularity_share=0.4, churn=0.5, bundle_mb=2.0, leaves=3000)


def decide(scores: Scores, params: Params, rails: Rails = RAILS) -> Decision:
    return judge(scores, rails, params)


def test_the_first_model_needs_only_to_beat_popular() -> None:
    decision = decide(Scores(GOOD, POPULAR, None), PARAMS)
    assert decision.promote
    assert "is better than the popular list: ndcg@10" in decision.reasons[0]
    assert decision.reasons[1] == "There was no champion to compare it with."
    assert decision.figures["ndcg_at_10"] == pytest.approx(GOOD.mean())


def test_one_that_is_not_shown_to_beat_popular_is_refused() -> None:
    decision = decide(Scores(GOOD, GOOD + NOISE - NOISE.mean(), None), PARAMS)
    assert not decision.promote
    assert "is not shown to be better than the popular list" in decision.reasons[0]


def test_the_same_model_again_passes() -> None:
    assert decide(Scores(GOOD, POPULAR, GOOD), PARAMS).promote


@pytest.mark.parametrize("change", [0.02, 0.0])
def test_better_or_equal_within_the_margin_passes(change: float) -> None:
    challenger = GOOD + change + 0.1 * (NOISE - NOISE.mean())
    decision = decide(Scores(challenger, POPULAR, GOOD), PARAMS)
    assert decision.promote
    assert re.match(
        r"It is not worse than the champion: ndcg@10 0\.\d{4} to 0\.\d{4}; with 95 % confidence it lies at least "
        r"0\.\d{4} above 99% of the champion's\.$",
        decision.reasons[1],
    )


@pytest.mark.parametrize("loss", [0.02, 0.1])
def test_one_that_loses_more_than_the_margin_is_refused_though_it_beats_popular(loss: float) -> None:
    decision = decide(Scores(GOOD * (1 - loss), POPULAR, GOOD), PARAMS)
    assert not decision.promote
    assert "may be worse than the champion: ndcg@10" in decision.reasons[1]
    assert f"it may lie {-decision.figures['over_champion_less_margin_low']:.4f} below 99% of" in decision.reasons[1]
    assert decision.figures["over_champion_less_margin_low"] < 0


def test_one_that_might_have_lost_more_is_refused_until_it_is_shown_not_to() -> None:
    """Equal means on few users with much noise: the bootstrap cannot rule a loss out."""
    few = slice(0, 40)
    noisy = np.clip(GOOD[few] + np.resize([0.3, -0.3], 40), 0, None)
    assert not decide(Scores(noisy, POPULAR[few], GOOD[few]), PARAMS).promote


@pytest.mark.parametrize("users", [1, 5, 6])
def test_users_who_are_so_few_that_it_may_be_chance_promote_nothing(users: int) -> None:
    """Their bootstrap is sure of itself: each draw of one user is that user. Those who get the same twice are none."""
    won, same = np.full(users, 0.5), np.full(50, 0.2)
    scores = Scores(np.concatenate([won, same]), np.concatenate([won * 0, same]), None)
    alone = decide(Scores(won, won * 0, None), PARAMS)
    assert alone.figures["over_popular_low"] == 0.5
    assert alone.promote == (users >= 6)
    said = f"It is told from the popular list by {users} users; with less than 6 it may be chance."
    assert any(said in reason for reason in decide(scores, PARAMS).reasons) == (users < 6)


def test_nobody_to_test_on_promotes_nothing() -> None:
    nobody = np.empty(0)
    decision = decide(Scores(nobody, nobody, None), PARAMS)
    assert not decision.promote
    assert "No user of the test window has a relevant item" in decision.reasons[0]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (
            {"coverage": 0.004},
            r"Its lists have 0\.40% of the catalogue; gate\.min_coverage .* asks for at least 0\.01\.",
        ),
        ({"popularity_share": 0.95}, r"95% of the places .* most popular items'; gate\.max_popularity_share .* 0\.9\."),
        ({"churn": 0.9}, r"90% of a user's list is not in the champion's; gate\.max_churn .* asks for at most 0\.8\."),
        ({"bundle_mb": 501.0}, r"Its bundle has 501\.0 MB; gate\.max_bundle_mb in params\.yaml asks for at most 500\."),
        (
            {"leaves": 20_001},
            r"trees have 20,001 leaves together; gate\.max_leaves in params\.yaml asks for at most 20000",
        ),
    ],
)
def test_a_better_model_outside_a_guard_rail_is_refused_and_told_which(broken: dict[str, Any], said: str) -> None:
    decision = decide(Scores(GOOD, POPULAR, GOOD), PARAMS, replace(RAILS, **broken))
    assert not decision.promote
    assert [rule.name for rule in decision.rules if not rule.passed] == list(broken)
    assert re.search(said, decision.reasons[-1])


def test_guard_rails_that_hold_are_rules_but_no_reasons_and_churn_wants_a_champion() -> None:
    decision = decide(Scores(GOOD, POPULAR, GOOD), PARAMS)
    assert len(decision.reasons) == 2
    assert [rule.name for rule in decision.rules] == [
        *("over_popular_low", "over_champion_less_margin_low"),
        *("told_apart", "leaks", "coverage", "popularity_share", "churn", "bundle_mb", "leaves"),
    ]
    assert decision.figures["churn"] == 0.5
    first = decide(Scores(GOOD, POPULAR, None), PARAMS, replace(RAILS, churn=None))
    assert first.promote
    assert "churn" not in {rule.name for rule in first.rules}


def test_a_baseline_that_is_surely_better_is_noted_and_refuses_nobody() -> None:
    figures = {"ndcg_at_10": 0.3, "ndcg_at_10_high": 0.31}
    for name, high in (("popular", 0.1), ("als", 0.01), ("buy_again", -0.02)):
        figures |= {f"{name}_ndcg_at_10": 0.35, f"over_{name}_high": high}
    assert notes(figures, 10) == ("By itself buy_again is better on this window: ndcg@10 0.3500 to 0.3000.",)
