"""Ranking: what is masked, and the metrics' denominators."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from benchmarks.yardstick import ranking
from benchmarks.yardstick.ranking import best_lists, comparable, figures, in_blocks, threads
from benchmarks.yardstick.split import Split, read_split
from tests.unit.yardstick.planted import ring


@pytest.fixture
def split(tmp_path: Path) -> Split:
    return read_split(*ring(tmp_path))


def test_items_of_train_are_masked_and_no_opinion_is_last(split: Split) -> None:
    scores = np.ones((1, split.train.n_items), np.float32)
    scores[0, split.test.indices[0]] = np.nan
    out = comparable(scores, split, np.array([0]))
    assert (out[0, split.train.item_rows[: split.train.indptr[1]]] == -np.inf).all()
    assert out[0, split.test.indices[0]] == -np.inf
    assert (out > -np.inf).sum() == split.train.n_items - 7 - 1


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux says which cores there are")
@pytest.mark.parametrize(("cores", "used"), [(1, 1), (2, 2), (64, 8)])
def test_a_large_machine_runs_out_of_cores_before_memory(
    cores: int, used: int, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    monkeypatch.setattr(ranking, "USERS_AT_ONCE", 2)
    names: set[str] = set()

    def block(rows: np.ndarray) -> np.ndarray:
        names.add(threading.current_thread().name)
        return rows

    found = np.concatenate(list(in_blocks(block, split.users)))
    assert threads() == used
    assert 1 <= len(names) <= used
    assert found.tolist() == split.users.tolist()


def test_with_negatives_only_they_and_the_sought_are_ranked(split: Split) -> None:
    given = np.zeros(split.test.shape, np.float32)
    given[:, :3] = 1
    among = replace(split, negatives=csr_matrix(given))
    lists = best_lists(lambda rows: np.zeros((len(rows), split.train.n_items), np.float32), among, split.users, 10)
    for user, row in zip(split.users, lists, strict=True):
        assert set(row[row >= 0].tolist()) <= {0, 1, 2, *split.test[user].indices.tolist()}


def test_the_metrics_are_those_of_a_sum_by_hand() -> None:
    test = csr_matrix(np.array([[1, 1, 1, 0], [0, 0, 0, 1]], np.float32))
    lists = np.array([[3, 0], [0, -1]])
    got = figures(lists, test, np.array([0, 1]), 2)
    ndcg = (1 / np.log2(3)) / (1 + 1 / np.log2(3))  # the ideal is over min(k, relevant) = 2 places
    assert got == pytest.approx({"recall@2": 1 / 3 / 2, "ndcg@2": ndcg / 2, "hit@2": 0.5})
