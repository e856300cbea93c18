"""The gate: may a challenger become champion?"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nextpick.evaluation.bootstrap import paired
from nextpick.params import GateParams, Params

FEWEST = 6  # users: all of fewer are better off by chance more often than once in 40 (2**-5 > 0.025 > 2**-6)
_RAILS = {  # key in params gate -> the figure it bounds, and what is said where it does not hold
    "min_coverage": ("coverage", "Its lists have {figure:.2%} of the catalogue"),
    "max_popularity_share": ("popularity_share", "{figure:.0%} of the places in its lists are the most popular items'"),
    "max_churn": ("churn", "{figure:.0%} of a user's list is not in the champion's"),
    "max_bundle_mb": ("bundle_mb", "Its bundle has {figure:.1f} MB"),
    "max_leaves": ("leaves", "Its ranker's trees have {figure:,.0f} leaves together"),
}


@dataclass(frozen=True)
class Rule:
    """One thing the gate asks for: the figure, what it is to be (`limit`, as a person reads it), and what came out."""

    name: str
    figure: float
    limit: str
    passed: bool
    said: str


@dataclass(frozen=True)
class Decision:
    """Promote or not, why (a sentence each), the figures behind it, and the rules that were asked."""

    promote: bool
    reasons: tuple[str, ...]
    figures: dict[str, float]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True)
class Scores:
    """ndcg of the same users in the same order, by challenger, popular list and champion (None: there is none)."""

    challenger: np.ndarray
    popular: np.ndarray
    champion: np.ndarray | None


@dataclass(frozen=True)
class Rails:
    """What else is measured of a challenger, on the lists of the test window and on its bundle.

    `coverage` and `popularity_share` as evaluation.lists has them; `churn`, the mean over users, against the
    champion's lists, None where there is none; `leaves` of all the ranker's trees: a re-ranking's cost grows with them.
    `leaks` are the features that evaluation.canary found to know the future.
    """

    coverage: float
    popularity_share: float
    churn: float | None
    bundle_mb: float
    leaves: int
    leaks: tuple[str, ...] = ()


def decide(scores: Scores, rails: Rails, params: Params) -> Decision:
    """Promote a challenger that is better than popular, not worse than the champion, and within the guard-rails.

    Better: the lower bound of the mean difference is above 0. Not worse: the lower bound of the mean difference to
    (1 - gate.margin) of the champion is not below 0. Both at 95 %, by the paired bootstrap over users, which knows no
    doubt where there is one user: so FEWEST must tell the challenger from popular. A guard-rail that holds is no
    reason and is only among the rules.
    """
    if not len(scores.challenger):
        return Decision(False, ("No user of the test window has a relevant item, so nothing can be shown.",), {})
    better, figures = _better_than_popular(scores, params)
    rules = [better]
    if scores.champion is not None:
        not_worse, more = _not_worse_than(scores.champion, scores.challenger, params)
        rules.append(not_worse)
        figures |= more
    reasons = [rule.said for rule in rules]
    if scores.champion is None:
        reasons.append("There was no champion to compare it with.")
    within = [_told_apart(scores), _no_leak(rails.leaks), *_within(rails, params.gate)]
    figures |= {rule.name: rule.figure for rule in within}
    reasons += [rule.said for rule in within if not rule.passed]
    rules += within
    return Decision(all(rule.passed for rule in rules), tuple(reasons), figures, tuple(rules))


def notes(figures: Mapping[str, float], k: int) -> tuple[str, ...]:
    """What a person should know of an evaluation's figures though it refuses nobody: baselines that are better."""
    names = [name[len("over_") : -len("_high")] for name in figures if re.fullmatch(r"over_\w+_high", name)]
    return tuple(
        f"By itself {name} is better on this window: ndcg@{k} {figures[f'{name}_ndcg_at_{k}']:.4f} to "
        f"{figures[f'ndcg_at_{k}']:.4f}."
        for name in names
        if figures[f"over_{name}_high"] < 0
    )


def _better_than_popular(scores: Scores, params: Params) -> tuple[Rule, dict[str, float]]:
    k = params.evaluation.k
    lift = paired(scores.challenger - scores.popular, params.evaluation.bootstrap_samples, params.seed)
    good = lift.low > 0
    said = "is better than" if good else "is not shown to be better than"
    reason = (
        f"It {said} the popular list: ndcg@{k} {scores.challenger.mean():.4f} to {scores.popular.mean():.4f} on "
        f"{len(scores.challenger)} users, a difference between {lift.low:+.4f} and {lift.high:+.4f}."
    )
    return Rule("over_popular_low", lift.low, "above 0", good, reason), {
        f"ndcg_at_{k}": float(scores.challenger.mean()),
        f"popular_ndcg_at_{k}": float(scores.popular.mean()),
        "over_popular_low": lift.low,
    }


def _not_worse_than(champion: np.ndarray, challenger: np.ndarray, params: Params) -> tuple[Rule, dict[str, float]]:
    k, margin = params.evaluation.k, params.gate.margin
    against = paired(challenger - (1 - margin) * champion, params.evaluation.bootstrap_samples, params.seed)
    loses, share = against.low < 0, f"{1 - margin:.0%} of the champion's"
    said = "may be worse than" if loses else "is not worse than"
    where = f"may lie {-against.low:.4f} below" if loses else f"lies at least {against.low:.4f} above"
    reason = (
        f"It {said} the champion: ndcg@{k} {challenger.mean():.4f} to {champion.mean():.4f}; "
        f"with 95 % confidence it {where} {share}."
    )
    name = "over_champion_less_margin_low"
    over = paired(challenger - champion, params.evaluation.bootstrap_samples, params.seed)
    own = paired(champion, params.evaluation.bootstrap_samples, params.seed)
    return Rule(name, against.low, "0 or more", not loses, reason), {
        name: against.low,
        f"champion_ndcg_at_{k}": own.mean,
        f"champion_ndcg_at_{k}_low": own.low,
        f"champion_ndcg_at_{k}_high": own.high,
        "over_champion": over.mean,
        "over_champion_low": over.low,
        "over_champion_high": over.high,
    }


def _told_apart(scores: Scores) -> Rule:
    """Users with equal scores say nothing for either side: the sign test's count. Dixon, Mood (JASA 1946)."""
    n = int((scores.challenger != scores.popular).sum())
    reason = (
        f"It is told from the popular list by {n} users; with less than {FEWEST} it may be chance. Load more history."
    )
    return Rule("told_apart", float(n), f"at least {FEWEST}", n >= FEWEST, reason)


def _no_leak(leaks: tuple[str, ...]) -> Rule:
    reason = (
        f"What happened in the test window changes features that are as of its start: {', '.join(leaks)}. "
        "They know the future, so nothing measured with them holds. Mend them in nextpick/features."
    )
    return Rule("leaks", float(len(leaks)), "0", not leaks, reason)


def _within(rails: Rails, limits: GateParams) -> list[Rule]:
    """The guard-rails; one without a figure is not asked."""
    rules = []
    for key, (name, said) in _RAILS.items():
        figure, bound = getattr(rails, name), float(getattr(limits, key))
        if figure is None:
            continue
        least = key.startswith("min")
        limit = f"{'at least' if least else 'at most'} {bound:g}"
        passed = figure >= bound if least else figure <= bound
        reason = f"{said.format(figure=figure)}; gate.{key} in params.yaml asks for {limit}."
        rules.append(Rule(name, float(figure), limit, passed, reason))
    return rules
