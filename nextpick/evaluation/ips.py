"""What other lists would have earned, reckoned from answers some of whose places were given away by lot: by inverse
propensity scores.

What was shown speaks for another list where that has it too, with the weight 1 / propensity: also for all those answers
in which the lot fell on something else. Two models say what "has it too" means. By place: the same item in the same
place, and what it earns depends on both. By item: the same item anywhere, and what it earns does not depend on where.
A model is judged by item: a newer model's list is for the most part the same items in another order, which no lot ever
shows in that order, so that by place half of what it earns would be missed, and the other half rest on far fewer lots.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from nextpick.data.microseconds import microseconds
from nextpick.data.snapshot import Snapshot
from nextpick.evaluation.trial import two_stage
from nextpick.features.holdout import Holdout
from nextpick.features.items import popularity_order
from nextpick.models.generator import Generator
from nextpick.models.ranker import Ranker
from nextpick.params import Params
from nextpick.schema import ANSWER, ITEM_ID, OCCURRED_AT, PROPENSITY, RANK, SHOWN_AT, US_PER_DAY, USER_ID

HEAVIEST = 1000.0  # weight; lots of a hundredth of ten places, among a hundred candidates, stay below
ENOUGH = 100.0  # effective sample size below which an estimate is not to be leant on
SUPPORTED = 0.9  # share below which it is said that the rest counts as nothing
TAKEN_WITHIN = US_PER_DAY  # after it was shown
_NORMAL_95 = 1.959964
_BY_LOT = 0.5  # a propensity below it is a lot's: of a list's own items at most half ever make room


@dataclass(frozen=True)
class Places:
    """Places of answers to users, one element each, in any order.

    `answers` and `users` (int64) say whose; `same` (bool) whether what was shown in it is what the other list has too;
    `rewards` (float64) what it earned; `propensities` (float64, above 0 and at most 1) how likely it was to be shown:
    by place just there, by item in any place; `by_lot` (bool) whether only a lot could bring it.
    """

    answers: np.ndarray
    users: np.ndarray
    same: np.ndarray
    rewards: np.ndarray
    propensities: np.ndarray
    by_lot: np.ndarray


@dataclass(frozen=True)
class Estimate:
    """Of the reward an answer had other lists been shown, in rewards an answer but where it says otherwise.

    `low` and `high` bound `reward` at 95 %. `snips` is the self-normalised estimate, `logged` what the answers really
    earned, `effective_sample_size` in places. `lots` is how many places speak for the other lists that did so only by
    lot: by these alone is known what is new in them. `supported`, about 0 to 1, is the share of the other lists' places
    that could have been shown at all, as the weights tell: `reward` counts the rest as earning nothing, `snips` as
    earning what these do.
    """

    reward: float
    low: float
    high: float
    snips: float
    logged: float
    effective_sample_size: float
    lots: int
    supported: float
    answers: int

    def figures(self) -> dict[str, float]:
        """By the names they have in metrics.json."""
        return {
            "ips_reward_per_answer": self.reward,
            "ips_reward_low": self.low,
            "ips_reward_high": self.high,
            "ips_snips": self.snips,
            "ips_effective_sample_size": self.effective_sample_size,
            "ips_lots": float(self.lots),
            "ips_supported_share": self.supported,
            "ips_answers": float(self.answers),
            "logged_reward_per_answer": self.logged,
        }


def estimate(places: Places, heaviest: float = HEAVIEST) -> Estimate | None:
    """What the other lists would have earned; None of fewer than two users, whom no bounds can be told from.

    With w = min(same / propensity, heaviest) of each place and r its reward, over A answers with P places in all:

    reward = sum(w r) / A: by place the item-position estimator, by item the item estimator, of Li, Abbasi-Yadkori,
    Kveton, Muthukrishnan, Vinay, Wen, "Offline Evaluation of Ranking Policies with Click Models" (KDD 2018), with its
    clipping, which only ever lowers it;
    snips = (sum(w r) / sum(w)) (P / A), 0 where every w is: after Swaminathan, Joachims, "The Self-Normalized
    Estimator for Counterfactual Learning" (NIPS 2015);
    effective sample size = sum(w)^2 / sum(w^2): Kong, "A Note on Importance Sampling Using Standardized Weights"
    (1992).

    The standard error behind the bounds lets the answers of one user depend on each other: it is that of the mean with
    users as clusters. Where few places came by lot it may be too small: the heavy weights may have been missed.

    Raises: ValueError for a propensity that is none.
    """
    odds = places.propensities
    if (wrong := ~((odds > 0) & (odds <= 1))).any():
        raise ValueError(f"A propensity is {odds[wrong][0]}; it must be above 0 and at most 1.")
    distinct, first, answer = np.unique(places.answers, return_index=True, return_inverse=True)
    n, user = len(distinct), np.unique(places.users[first], return_inverse=True)[1]
    if n == 0 or user.max() == 0:
        return None
    weights = np.minimum(places.same / odds, heaviest)
    earned = np.bincount(answer, weights * places.rewards, n)
    reward, total = float(earned.mean()), float(weights.sum())
    doubt = _NORMAL_95 * _standard_error(earned, user)
    return Estimate(
        reward=reward,
        low=max(reward - doubt, 0.0),
        high=reward + doubt,
        snips=float(earned.sum()) / total * len(odds) / n if total else 0.0,
        logged=float(places.rewards.sum()) / n,
        effective_sample_size=total**2 / float((weights**2).sum()) if total else 0.0,
        lots=int((places.same & places.by_lot).sum()),
        supported=total / len(odds),
        answers=n,
    )


def _standard_error(values: np.ndarray, clusters: np.ndarray) -> float:
    """Of the mean of `values`; those of one of `clusters` (int64, 0 to some number above 0) may depend on each other.

    Cameron, Miller, "A Practitioner's Guide to Cluster-Robust Inference" (2015), of a regression on a constant.
    """
    off = np.bincount(clusters, values - values.mean())
    return float(np.sqrt(len(off) / (len(off) - 1) * np.square(off).sum()) / len(values))


def off_policy(
    snapshot: Snapshot, generators: Mapping[str, Generator], ranker: Ranker, held: Holdout, params: Params
) -> Estimate | None:
    """What the lists of a model, made at the start of the test window, would have earned in the answers of that window
    that `snapshot.lots` knows; None where it knows too few.

    An item is earned where the user took it within a day of being shown it, so an answer of the last day is not judged
    yet. Only the first params.evaluation.k places count. The users are those who were answered, whether they took
    anything or not. `generators` must know nothing of the window.
    """
    k, windows = params.evaluation.k, snapshot.windows
    lots, at = snapshot.lots, microseconds(snapshot.lots[SHOWN_AT])
    judged = (at >= windows.test_from) & (at < windows.cutoff - TAKEN_WITHIN) & (lots[RANK] < k).to_numpy()
    lots = lots[judged].sort_values(SHOWN_AT, kind="stable", ignore_index=True)
    if lots.empty:
        return None
    shown = _rows(lots, SHOWN_AT, snapshot)
    distinct = np.unique(shown["user"][shown["user"] >= 0])
    known = two_stage(generators, ranker, replace(held, users=distinct), params).lists
    lists = np.concatenate([known, _of_nobody(held, k)])
    mine = np.where(shown["user"] >= 0, np.searchsorted(distinct, shown["user"]), len(distinct))
    places, odds = lots.groupby(ANSWER)[ANSWER].transform("size").to_numpy(), lots[PROPENSITY].to_numpy(np.float64)
    return estimate(
        Places(
            answers=lots[ANSWER].to_numpy(np.int64),
            users=pd.factorize(lots[USER_ID])[0],
            same=_among(lists[mine], shown["item"].to_numpy(), places),
            rewards=_taken(shown, _rows(snapshot.interactions, OCCURRED_AT, snapshot)),
            propensities=anywhere(odds, places),
            by_lot=odds < _BY_LOT,
        )
    )


def anywhere(propensities: np.ndarray, places: np.ndarray) -> np.ndarray:
    """How likely an item was to be shown in any of `places` (int64) places: float64, of `propensities` (float64) in the
    one where it was shown. A list's own item has but its own place; what comes by lot is as likely in each."""
    return np.where(propensities < _BY_LOT, propensities * places, propensities)


def _among(lists: np.ndarray, item_rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Whether each item is among the first `places` of the list beside it: bool (n,). An unknown item, -1, is not."""
    within = np.arange(lists.shape[1]) < places[:, None]
    return ((lists == item_rows[:, None]) & within).any(axis=1) & (item_rows >= 0)


def _of_nobody(held: Holdout, k: int) -> np.ndarray:
    """What who has done nothing yet gets: the k most popular item rows, int64 (1, k), -1 where there are no more."""
    popular = popularity_order(held.table)[0][:k]
    return np.pad(popular.astype(np.int64), (0, k - len(popular)), constant_values=-1)[None]


def _taken(shown: pd.DataFrame, done: pd.DataFrame) -> np.ndarray:
    """1 for each row of `shown` whose user took its item within TAKEN_WITHIN, else 0: float64. Both are of _rows."""
    found = pd.merge_asof(
        shown,
        done.assign(taken_at=done["at"]),
        on="at",
        by=["user", "item"],
        direction="forward",
        tolerance=TAKEN_WITHIN,
    )
    return found["taken_at"].notna().to_numpy(np.float64)


def _rows(frame: pd.DataFrame, moment: str, snapshot: Snapshot) -> pd.DataFrame:
    """The user row, the item row (-1 where unknown) and the moment (`at`, microseconds) of each row."""
    users, items = snapshot.users.rows(frame[USER_ID]), snapshot.items.rows(frame[ITEM_ID])
    return pd.DataFrame({"user": users, "item": items, "at": microseconds(frame[moment])})
