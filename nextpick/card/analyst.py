"""The lists as an analyst sees them in Evidently: the model's beside what is popular, on the test window.

Import it late, as nextpick.evidently_engine. Evidently's ndcg, recall, precision, mrr and hit rate are ours, and so is
its novelty, of items that somebody took before; its MAP is over all relevant items where ours is over k at most. Its
ideal list knows only the rows it is given, so what a list missed is given too, at places after the list's end. Left out
is its popularity bias: of the reference it counts items beyond k as well.
"""

from typing import Any

import numpy as np
import pandas as pd

from nextpick.data.snapshot import Snapshot
from nextpick.evaluation.report import hits
from nextpick.evidently_engine import DataDefinition, Dataset, Recsys, Report, recsys
from nextpick.features.histories import find
from nextpick.features.holdout import Holdout
from nextpick.schema import ITEM_ID, TITLE

EXAMPLES = ("a light user", "a medium user", "a heavy user")


def report(lists: np.ndarray, popular: np.ndarray, held: Holdout, snapshot: Snapshot) -> Any:
    """Evidently's snapshot, to be saved. `lists` and `popular` are item rows (users of `held`, k), -1 where empty.

    No user is named: they are numbered, and three stand for others like them. Items go by their titles.
    """
    k, titles, users = lists.shape[1], _titles(snapshot), _users(held)
    definition = DataDefinition(
        ranking=[Recsys(recommendations_type="rank")],
        categorical_columns=["user_id", "item_id"],
        numerical_columns=["prediction", "target"],
    )
    current, reference = (
        Dataset.from_pandas(_judged(shown, held, users, titles), definition) for shown in (lists, popular)
    )
    metrics = [
        *(kind(k=k) for kind in (recsys.NDCG, recsys.RecallTopK, recsys.PrecisionTopK, recsys.MAP, recsys.MRR)),
        *(kind(k=k) for kind in (recsys.HitRate, recsys.Personalization, recsys.Novelty)),
        recsys.RecCasesTable(user_ids=[name for name in EXAMPLES if name in users]),
    ]
    took = _took(held, users, titles)
    before = {"current_train_data": took, "reference_train_data": took}
    return Report(metrics, include_tests=False).run(current, reference, additional_data=before)


def _judged(lists: np.ndarray, held: Holdout, users: np.ndarray, titles: np.ndarray) -> pd.DataFrame:
    """A row for each filled place, and one for each item that was taken and is in no place."""
    hit, _ = hits(lists, held)
    places = np.broadcast_to(np.arange(1, lists.shape[1] + 1), lists.shape)
    owners = np.broadcast_to(held.users[:, None], lists.shape)
    filled = lists >= 0
    entries = held.relevant
    found = find(entries, owners[hit], lists[hit])
    missed = np.setdiff1d(np.arange(len(entries.item_rows)), found)
    behind = missed - entries.indptr[entries.user_rows[missed]] + lists.shape[1] + 1
    return pd.DataFrame(
        {
            "user_id": users[np.concatenate([owners[filled], entries.user_rows[missed]])],
            "item_id": titles[np.concatenate([lists[filled], entries.item_rows[missed]])],
            "prediction": np.concatenate([places[filled], behind]),
            "target": np.concatenate([hit[filled], np.ones(len(missed), bool)]).astype(np.int64),
        }
    )


def _took(held: Holdout, users: np.ndarray, titles: np.ndarray) -> pd.DataFrame:
    """What users had before, the latest last."""
    known = held.histories
    order = np.argsort(known.last_at, kind="stable")
    who, what = users[known.user_rows[order]], titles[known.item_rows[order]]
    return pd.DataFrame({"user_id": who, "item_id": what, "prediction": 1, "target": 1})


def _titles(snapshot: Snapshot) -> np.ndarray:
    """What an item row is called: its title, with its id, which tells it from its namesakes."""
    known = dict(zip(snapshot.catalogue[ITEM_ID], snapshot.catalogue[TITLE], strict=True))
    named = [f"{known[id_]} ({id_})" if isinstance(known.get(id_), str) else id_ for id_ in snapshot.items.ids]
    return np.array(named, dtype=object)


def _users(held: Holdout) -> np.ndarray:
    """What a user row is called."""
    names = np.array([f"user {n}" for n in range(1, len(held.histories) + 1)], dtype=object)
    warm = held.users[held.warm]
    by_size = warm[np.argsort(np.diff(held.histories.indptr)[warm], kind="stable")]
    for n, name in enumerate(EXAMPLES):
        if len(by_size) >= len(EXAMPLES):
            names[by_size[len(by_size) * (2 * n + 1) // 6]] = name
    return names
