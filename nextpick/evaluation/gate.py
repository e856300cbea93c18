"""The gate: may a challenger become champion?"""

from dataclasses import dataclass

import numpy as np

from nextpick.evaluation.bootstrap import paired
from nextpick.params import Params


@dataclass(frozen=True)
class Decision:
    """Promote or not, why (one sentence a rule), and the figures behind it."""

    promote: bool
    reasons: tuple[str, ...]
    figures: dict[str, float]


@dataclass(frozen=True)
class Scores:
    """ndcg of the same users in the same order, by challenger, popular list and champion (None: there is none)."""

    challenger: np.ndarray
    popular: np.ndarray
    champion: np.ndarray | None


def decide(scores: Scores, params: Params) -> Decision:
    """Promote a challenger that is better than the popular list and not worse than the champion, both at 95 %.

    Better: the lower bound of the mean difference is above 0. Not worse: the lower bound of the mean difference to
    (1 - gate.margin) of the champion is not below 0. Both by the paired bootstrap over users.
    """
    k, margin = params.evaluation.k, params.gate.margin
    if not len(scores.challenger):
        return Decision(False, ("No user of the test window has a relevant item, so nothing can be shown.",), {})
    better, figures = _better_than_popular(scores, params)
    verdicts = [better]
    if scores.champion is None:
        verdicts.append((True, "There is no champion yet."))
    else:
        against = paired(scores.challenger - (1 - margin) * scores.champion, _samples(params), params.seed)
        figures |= {
            f"champion_ndcg_at_{k}": float(scores.champion.mean()),
            "over_champion_less_margin_low": against.low,
        }
        loses, share = against.low < 0, f"{1 - margin:.0%} of the champion's"
        said = "may be worse than" if loses else "is not worse than"
        where = f"may lie {-against.low:.4f} below" if loses else f"lies at least {against.low:.4f} above"
        verdicts.append(
            (
                not loses,
                f"It {said} the champion: ndcg@{k} {scores.challenger.mean():.4f} to {scores.champion.mean():.4f}; "
                f"with 95 % confidence it {where} {share}.",
            )
        )
    return Decision(all(good for good, _ in verdicts), tuple(reason for _, reason in verdicts), figures)


def _better_than_popular(scores: Scores, params: Params) -> tuple[tuple[bool, str], dict[str, float]]:
    k = params.evaluation.k
    lift = paired(scores.challenger - scores.popular, _samples(params), params.seed)
    good = lift.low > 0
    said = "is better than" if good else "is not shown to be better than"
    reason = (
        f"It {said} the popular list: ndcg@{k} {scores.challenger.mean():.4f} to {scores.popular.mean():.4f} on "
        f"{len(scores.challenger)} users, a difference between {lift.low:+.4f} and {lift.high:+.4f}."
    )
    return (good, reason), {
        f"ndcg_at_{k}": float(scores.challenger.mean()),
        f"popular_ndcg_at_{k}": float(scores.popular.mean()),
        "over_popular_low": lift.low,
    }


def _samples(params: Params) -> int:
    return params.evaluation.bootstrap_samples
