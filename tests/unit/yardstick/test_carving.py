"""Validation carved from train: it shows nothing of the test, and is cut as the test is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from benchmarks.yardstick.carving import carve, narrowed, some_users
from benchmarks.yardstick.split import Split, read_split
from tests.unit.yardstick.planted import ring


@pytest.fixture
def split(tmp_path: Path) -> Split:
    return read_split(*ring(tmp_path))


def keys(split: Split) -> set[int]:
    return set((split.train.user_rows * split.train.n_items + split.train.item_rows).tolist())


def held(split: Split) -> set[int]:
    users = np.repeat(np.arange(split.test.shape[0]), np.diff(split.test.indptr))
    return set((users * split.test.shape[1] + split.test.indices).tolist())


def test_kept_and_held_back_are_train_and_nothing_is_in_both(split: Split) -> None:
    carved = carve(split, 1)
    assert keys(carved) | held(carved) == keys(split)
    assert keys(carved) & held(carved) == set()


def test_a_fifth_of_each_users_items_is_held_back(split: Split) -> None:
    assert np.diff(carve(split, 1).test.indptr).tolist() == [1] * 60  # of seven


def test_what_is_held_back_is_drawn_by_the_seed(split: Split) -> None:
    assert held(carve(split, 1)) == held(carve(split, 1)) != held(carve(split, 2))


@pytest.mark.parametrize(("cut", "share"), [("last", 1.0), ("random", 1 / 7), ("untold", 0.57)])
def test_the_last_items_are_held_back_as_the_test_was_cut(split: Split, cut: str, share: float) -> None:
    carved = carve(replace(split, cut=cut), 1)
    newest = [split.train.last_at[a:b].max() for a, b in zip(split.train.indptr, split.train.indptr[1:], strict=False)]
    at = split.train.last_at >= np.array(newest)[split.train.user_rows]
    last = set((split.train.user_rows * split.train.n_items + split.train.item_rows)[at].tolist())
    assert len(held(carved) & last) / 60 == pytest.approx(share, abs=0.17)


def test_where_the_test_seeks_one_of_each_user_one_is_held_back(split: Split) -> None:
    one = csr_matrix((np.ones(60, np.float32), (np.arange(60), np.arange(60) % 40)), shape=split.test.shape)
    many = replace(split, train=split.train, test=one)
    assert set(np.diff(carve(many, 1).test.indptr).tolist()) == {1}


def test_a_user_keeps_an_item(split: Split) -> None:
    for _ in range(8):
        split = carve(split, 5)
    assert np.diff(split.train.indptr).min() == 1


def test_folds_are_of_different_users_and_all_of_them(split: Split) -> None:
    folds = [carve(split, 1, fold).users.tolist() for fold in range(4)]
    assert sorted(user for fold in folds for user in fold) == split.users.tolist()
    assert [len(fold) for fold in folds] == [15] * 4


def test_narrowed_has_only_the_items_of_most_users(split: Split) -> None:
    few = narrowed(split, 5)
    counts = np.bincount(split.train.item_rows, minlength=split.train.n_items)
    kept = np.unique(few.train.item_rows)
    assert len(kept) == 5
    assert counts[kept].min() >= np.delete(counts, kept).max()
    assert set(few.test.indices.tolist()) <= set(kept.tolist())


def test_negatives_are_drawn_from_what_the_user_has_not(split: Split) -> None:
    given = csr_matrix(np.ones((60, 5), np.float32), shape=split.test.shape)
    carved = carve(replace(split, negatives=given), 1)
    assert carved.negatives is not None
    drawn = carved.negatives.toarray().astype(bool)
    own = np.zeros_like(drawn)
    own[split.train.user_rows, split.train.item_rows] = True
    assert not (drawn & own).any()
    assert 3 < drawn.sum(axis=1).mean() <= 5


def test_no_more_users_are_drawn_than_asked_for(split: Split) -> None:
    assert len(set(some_users(split, 10, 1).tolist())) == 10
    assert some_users(split, 100, 1).tolist() == split.users.tolist()
