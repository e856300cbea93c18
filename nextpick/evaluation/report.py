"""The report: the two-stage model beside what it must beat, on the same users, with the doubt that remains."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from nextpick.evaluation import metrics
from nextpick.evaluation.bootstrap import paired
from nextpick.evaluation.trial import Trial, alone, two_stage
from nextpick.features.holdout import Holdout
from nextpick.models.candidates import KINDS
from nextpick.models.examples import labels
from nextpick.models.generator import Generator
from nextpick.models.ranker import Ranker
from nextpick.params import Params

MODEL = "two_stage"
BASELINES = ("popular", "buy_again", "als")
_PER_USER = {
    "ndcg_at_{k}": metrics.ndcg_at_k,
    "recall_at_{k}": metrics.recall_at_k,
    "hit_rate_at_{k}": metrics.hit_rate_at_k,
}


@dataclass(frozen=True)
class Report:
    """`figures`: flat name -> number; the model's names are bare, a baseline's begin with its own.

    `per_user`: the rows of the users measured (user_row), whether they had a history (warm), and the ndcg of every
    contender.
    """

    figures: dict[str, float]
    per_user: pd.DataFrame


def report(generators: Mapping[str, Generator], ranker: Ranker, held: Holdout, params: Params) -> Report:
    """Measure the model and its baselines on one holdout; `generators` must know nothing of it.

    A baseline that is no part of the model is fitted here, on the holdout's histories.
    """
    model = two_stage(generators, ranker, held, params)
    lists = {MODEL: model.lists}
    for name in BASELINES:
        generator = generators[name] if name in generators else KINDS[name].fit(held.histories, params)
        lists[name] = alone(generator, held, params)
    measured = {name: per_user(tops, held, params.evaluation.k) for name, tops in lists.items()}
    ndcg = f"ndcg_at_{params.evaluation.k}"
    warm = held.warm
    figures = {**_means(measured, warm), **_pool_figures(model, held)}
    figures |= {f"{_prefix(n)}coverage_at_{params.evaluation.k}": _coverage(tops, held) for n, tops in lists.items()}
    for name in BASELINES:
        figures |= _lift(name, measured[MODEL][ndcg] - measured[name][ndcg], params)
    figures |= {
        "users": float(len(held.users)),
        "users_warm": float(warm.sum()),
        "users_without_relevant": float(held.users_without),
    }
    table = pd.DataFrame({"user_row": held.users, "warm": warm, **{n: m[ndcg] for n, m in measured.items()}})
    return Report(figures, table)


def per_user(lists: np.ndarray, held: Holdout, k: int) -> dict[str, np.ndarray]:
    """Every metric of every user's list: name -> float64 (users,)."""
    relevant = held.relevant
    own = [relevant.item_rows[relevant.indptr[user] : relevant.indptr[user + 1]] for user in held.users]
    return {
        name.format(k=k): np.array([metric(top[top >= 0], mine, k) for top, mine in zip(lists, own, strict=True)])
        for name, metric in _PER_USER.items()
    }


def _means(measured: Mapping[str, Mapping[str, np.ndarray]], warm: np.ndarray) -> dict[str, float]:
    """Over all users, and over those with a history."""
    out = {}
    for name, values in measured.items():
        for metric, each in values.items():
            out[f"{_prefix(name)}{metric}"] = _mean(each)
            out[f"{_prefix(name)}{metric}_warm"] = _mean(each[warm])
    return out


def _pool_figures(model: Trial, held: Holdout) -> dict[str, float]:
    """What the ranker had to choose from, and how well it told the relevant candidates from the rest: warm users."""
    users, wanted = held.users[held.warm], labels(model.pool, held)
    bounds = np.searchsorted(model.pool.user_rows, np.append(users, len(held.histories)))
    parts = [slice(start, end) for start, end in pairwise(bounds.tolist())]
    found = np.array([wanted[part].sum() for part in parts], np.float64)
    auc = np.array([metrics.auc(model.scores[part], wanted[part]) for part in parts], np.float64)
    return {
        "auc": _mean(auc[~np.isnan(auc)]),
        "pool_recall": _mean(found / np.diff(held.relevant.indptr)[users]),
        "pool_size": _mean(np.diff(bounds)),
    }


def _lift(name: str, difference: np.ndarray, params: Params) -> dict[str, float]:
    if not len(difference):
        return {}
    lift = paired(difference, params.evaluation.bootstrap_samples, params.seed)
    return {f"over_{name}": lift.mean, f"over_{name}_low": lift.low, f"over_{name}_high": lift.high}


def _coverage(lists: np.ndarray, held: Holdout) -> float:
    return metrics.coverage(lists, held.histories.n_items)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def _prefix(contender: str) -> str:
    return "" if contender == MODEL else f"{contender}_"
