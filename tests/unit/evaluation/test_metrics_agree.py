"""Our metrics and those of independent libraries: lists by ranx, auc by scikit-learn.

ranx is compiled by numba as it is used, for 40 CPU-seconds, and warns as it is imported; in a Python of its own with
the compiler off it does neither. Where a definition differs, the test says how.
"""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nextpick.evaluation.metrics import auc, hit_rate_at_k, map_at_k, mrr_at_k, ndcg_at_k, precision_at_k, recall_at_k

K, USERS, ITEMS, PLACES = 10, 40, 30, 12
THEIRS = """
import json, sys
from ranx import Qrels, Run, evaluate
given = json.load(sys.stdin)
names = ["recall", "precision", "hit_rate", "ndcg", "map", "mrr"]
qrels, run = Qrels(given["taken"]), Run(given["lists"])
found = evaluate(qrels, run, [f"{name}@10" for name in names], return_mean=False, threads=1)
json.dump({name: found[f"{name}@10"].tolist() for name in names}, sys.stdout)
"""


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, list[np.ndarray]]:
    """Lists, and what each user took: between one item and more than there are places."""
    rng = np.random.default_rng(0)
    lists = np.array([rng.permutation(ITEMS)[:PLACES] for _ in range(USERS)])
    return lists, [rng.permutation(ITEMS)[: 1 + u % 15] for u in range(USERS)]


@pytest.fixture(scope="module")
def theirs(world: tuple[np.ndarray, list[np.ndarray]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    lists, taken = world
    home = str(tmp_path_factory.mktemp("ranx"))
    given = {
        "taken": {f"{u:02}": {str(item): 1 for item in own} for u, own in enumerate(taken)},
        "lists": {f"{u:02}": {str(item): float(-i) for i, item in enumerate(row)} for u, row in enumerate(lists)},
    }
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "IR_DATASETS_HOME": home, "MPLCONFIGDIR": home}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", THEIRS],
        input=json.dumps(given),
        env=environment,
        cwd=Path(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_they_agree_to_the_last_digits(world: tuple[np.ndarray, list[np.ndarray]], theirs: dict[str, list]) -> None:
    lists, taken = world
    hits = np.array([np.isin(row, own) for row, own in zip(lists, taken, strict=True)])
    relevant = np.array([len(own) for own in taken])
    ours = {
        "recall": recall_at_k(hits, relevant, K),
        "precision": precision_at_k(hits, relevant, K),
        "hit_rate": hit_rate_at_k(hits, relevant, K),
        "ndcg": ndcg_at_k(hits, relevant, K),
        "map": map_at_k(hits, relevant, K) * np.minimum(relevant, K) / relevant,  # theirs is over all relevant
        "mrr": mrr_at_k(hits, relevant, K),
    }
    assert relevant.max() > K
    for name, values in ours.items():
        assert values == pytest.approx(np.array(theirs[name]), abs=1e-9), name


def test_auc_is_scikit_learns_of_each_user() -> None:
    """With ties, and users of all sizes from two candidates on who have one of either kind."""
    rng = np.random.default_rng(2)
    sizes = rng.integers(2, 30, USERS)
    indptr = np.concatenate([[0], np.cumsum(sizes)])
    scores, labels = rng.integers(0, 6, indptr[-1]) / 5, (rng.random(indptr[-1]) < 0.3).astype(int)
    labels[indptr[:-1]], labels[indptr[:-1] + 1] = 1, 0
    expected = [roc_auc_score(labels[a:b], scores[a:b]) for a, b in pairwise(indptr.tolist())]
    assert auc(scores, labels, indptr) == pytest.approx(expected, abs=1e-12)
