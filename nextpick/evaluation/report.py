"""The report: the two-stage model beside what it must beat, on the same users, with the doubt that remains."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nextpick.evaluation import lists as made_of
from nextpick.evaluation import metrics
from nextpick.evaluation.bootstrap import bounds
from nextpick.evaluation.slices import ALL, WARM, slices
from nextpick.evaluation.trial import Trial, alone, two_stage
from nextpick.features.histories import find
from nextpick.features.holdout import Holdout
from nextpick.features.user_items import user_items
from nextpick.models.candidates import KINDS
from nextpick.models.examples import labels
from nextpick.models.generator import Generator
from nextpick.models.ranker import Ranker
from nextpick.params import Params

MODEL = "two_stage"
BASELINES = ("popular", "buy_again", "als")  # beside every model, whether or not they are part of it
_PER_USER = {
    "ndcg_at_{k}": metrics.ndcg_at_k,
    "recall_at_{k}": metrics.recall_at_k,
    "precision_at_{k}": metrics.precision_at_k,
    "map_at_{k}": metrics.map_at_k,
    "mrr_at_{k}": metrics.mrr_at_k,
    "hit_rate_at_{k}": metrics.hit_rate_at_k,
}
_OF_BASELINES = ("ndcg_at_{k}", "recall_at_{k}")  # the rest is in the tables


@dataclass(frozen=True)
class Report:
    """`figures`: flat name -> number; the model's names are bare, a baseline's begin with its own.

    `per_user`: of each user measured user_row, warm, history (distinct items before), the ndcg of every contender in
    a column of its name, every metric of the model in one of the metric's, and the model's list (item rows, -1 where
    it ends) in `items`.
    `slices`: slice, contender, users, ndcg, and its bounds low and high at 95 %.
    `curves`: contender, k from 1, recall and ndcg at it.
    """

    figures: dict[str, float]
    per_user: pd.DataFrame
    slices: pd.DataFrame
    curves: pd.DataFrame


def report(generators: Mapping[str, Generator], ranker: Ranker, held: Holdout, params: Params) -> Report:
    """Measure the model, its generators and the BASELINES on one holdout; `generators` must know nothing of it.

    A baseline that is no part of the model is fitted here, on the holdout's histories.
    """
    model, k = two_stage(generators, ranker, held, params), params.evaluation.k
    lists = {MODEL: model.lists}
    for name in dict.fromkeys((*BASELINES, *generators)):
        generator = generators[name] if name in generators else KINDS[name].fit(held.histories, params)
        lists[name] = alone(generator, held, params)
    measured = {name: per_user(tops, held, k) for name, tops in lists.items()}
    ndcg = {name: values[f"ndcg_at_{k}"] for name, values in measured.items()}
    sliced = _slices(lists, held, params)
    figures = {
        **_means(measured, k),
        **_differences(ndcg, params),
        **{f"{_prefix(name)}coverage_at_{k}": _coverage(tops, held) for name, tops in lists.items()},
        **_beyond(model.lists, held, k),
        **_pool_figures(model, held),
        **_slice_figures(sliced, k),
        "users": float(len(held.users)),
        "users_warm": float(held.warm.sum()),
        "users_without_relevant": float(held.users_without),
    }
    history = np.diff(held.histories.indptr)[held.users]
    table = pd.DataFrame({"user_row": held.users, "warm": held.warm, "history": history, **ndcg, **measured[MODEL]})
    return Report(figures, table.assign(items=list(model.lists)), sliced, _curves(lists, held))


def hits(lists: np.ndarray, held: Holdout, marked: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What `metrics` asks for: hits (bool, the lists' shape) and relevant (int), of each of the holdout's users.

    `marked`, a slice, says which of the relevant entries count, by default all; users without any have relevant 0.
    """
    return _hits(_taken(lists, held), held, np.ones(len(held.relevant.item_rows), bool) if marked is None else marked)


def _taken(lists: np.ndarray, held: Holdout) -> np.ndarray:
    """The relevant entry at each place, -1 where there is none."""
    users = np.broadcast_to(held.users[:, None], lists.shape)
    at = find(held.relevant, users.ravel(), np.maximum(lists, 0).ravel()).reshape(lists.shape)
    return np.where(lists >= 0, at, -1)


def _hits(taken: np.ndarray, held: Holdout, marked: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hit = taken >= 0
    hit[hit] = marked[taken[hit]]
    return hit, np.bincount(held.relevant.user_rows[marked], minlength=len(held.relevant))[held.users]


def per_user(lists: np.ndarray, held: Holdout, k: int) -> dict[str, np.ndarray]:
    """Every metric of every user's list: name -> float64 (users,)."""
    hit, relevant = hits(lists, held)
    return {name.format(k=k): metric(hit, relevant, k) for name, metric in _PER_USER.items()}


def beyond(lists: np.ndarray, held: Holdout) -> dict[str, float]:
    """What the lists are made of: coverage, popularity_share, and the means over users of novelty and diversity."""
    known = held.histories
    interactions = np.bincount(known.item_rows, known.counts, known.n_items)
    takers = np.bincount(known.item_rows, minlength=known.n_items)
    active = int((np.diff(known.indptr) > 0).sum())
    together = user_items(known, np.ones(len(known.item_rows)))
    return {
        "coverage": _coverage(lists, held),
        "popularity_share": float(np.nan_to_num(made_of.popularity_share(lists, interactions))),
        "novelty": _mean(made_of.novelty(lists, takers, active)),
        "diversity": _mean(made_of.diversity(lists, together)),
    }


def _beyond(lists: np.ndarray, held: Holdout, k: int) -> dict[str, float]:
    return {f"{name}_at_{k}": value for name, value in beyond(lists, held).items() if name != "coverage"}


def _means(measured: Mapping[str, Mapping[str, np.ndarray]], k: int) -> dict[str, float]:
    return {
        f"{_prefix(contender)}{name.format(k=k)}": _mean(values[name.format(k=k)])
        for contender, values in measured.items()
        for name in (_PER_USER if contender == MODEL else _OF_BASELINES)
    }


def _differences(ndcg: Mapping[str, np.ndarray], params: Params) -> dict[str, float]:
    """How far the model is above each baseline, paired by user."""
    names = [name for name in ndcg if name != MODEL]
    if not len(ndcg[MODEL]):
        return {}
    over = np.stack([ndcg[MODEL] - ndcg[name] for name in names], axis=1)
    low, high = bounds(over, params.evaluation.bootstrap_samples, params.seed)
    out: dict[str, float] = {}
    for i, name in enumerate(names):
        out |= {f"over_{name}": float(over[:, i].mean()), f"over_{name}_low": low[i], f"over_{name}_high": high[i]}
    return {name: float(value) for name, value in out.items()}


def _pool_figures(model: Trial, held: Holdout) -> dict[str, float]:
    """What the ranker had to choose from, and how well it told the relevant candidates from the rest: warm users."""
    users, wanted = held.users[held.warm], labels(model.pool, held)
    indptr = np.searchsorted(model.pool.user_rows, np.append(users, len(held.histories)))
    found = np.diff(np.concatenate([[0], np.cumsum(wanted, dtype=np.int64)])[indptr])
    return {
        "auc": _mean(metrics.auc(model.scores, wanted, indptr)),
        "pool_recall": _mean(found / np.diff(held.relevant.indptr)[users]),
        "pool_size": _mean(np.diff(indptr)),
    }


def _slices(lists: Mapping[str, np.ndarray], held: Holdout, params: Params) -> pd.DataFrame:
    k, parts = params.evaluation.k, []
    taken = [_taken(tops, held) for tops in lists.values()]
    for name, marked in slices(held).items():
        judged = [_hits(entries, held, marked) for entries in taken]
        there = judged[0][1] > 0
        ndcg = np.stack([metrics.ndcg_at_k(hit[there], relevant[there], k) for hit, relevant in judged], axis=1)
        if not len(ndcg):
            continue
        low, high = bounds(ndcg, params.evaluation.bootstrap_samples, params.seed)
        columns = {"users": int(there.sum()), "ndcg": ndcg.mean(axis=0), "low": low, "high": high}
        parts.append(pd.DataFrame({"slice": name, "contender": list(lists), **columns}))
    empty = pd.DataFrame(columns=["slice", "contender", "users", "ndcg", "low", "high"])
    return pd.concat(parts, ignore_index=True) if parts else empty


def _slice_figures(sliced: pd.DataFrame, k: int) -> dict[str, float]:
    """The model's in each slice and its bounds in all; a baseline's on users with a history."""
    out = {}
    for row in sliced.itertuples():
        if row.contender != MODEL and row.slice == WARM:
            out[f"{row.contender}_ndcg_at_{k}_{WARM}"] = float(row.ndcg)
        elif row.contender == MODEL and row.slice == ALL:
            out |= {f"ndcg_at_{k}_low": float(row.low), f"ndcg_at_{k}_high": float(row.high)}
        elif row.contender == MODEL:
            out |= {f"ndcg_at_{k}_{row.slice}": float(row.ndcg), f"users_{row.slice}": float(row.users)}
    return out


def _curves(lists: Mapping[str, np.ndarray], held: Holdout) -> pd.DataFrame:
    rows = []
    for name, tops in lists.items():
        hit, relevant = hits(tops, held)
        for k in range(1, tops.shape[1] + 1):
            recall, ndcg = (_mean(metric(hit, relevant, k)) for metric in (metrics.recall_at_k, metrics.ndcg_at_k))
            rows.append((name, k, recall, ndcg))
    return pd.DataFrame(rows, columns=["contender", "k", "recall", "ndcg"])


def _coverage(lists: np.ndarray, held: Holdout) -> float:
    return made_of.coverage(lists, held.histories.n_items)


def _mean(values: np.ndarray) -> float:
    """Over those that are a number; 0 where none is."""
    values = np.asarray(values, np.float64)
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else 0.0


def _prefix(contender: str) -> str:
    return "" if contender == MODEL else f"{contender}_"
