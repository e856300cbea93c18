"""Histories: who has what, how often, since when; the same to the bit however they came about."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.features.histories import Histories, find, histories, no_history, of_users, select, with_events
from nextpick.idmap import IdMap
from nextpick.schema import US_PER_DAY
from tests.worlds import KINDS, NOW, frame

USERS, ITEMS = IdMap(("ann", "ben", "cem")), IdMap(("a", "b", "c", "d"))
ARRAYS = ("indptr", "item_rows", "counts", "weights", "first_at", "last_at")


def same(one: Histories, other: Histories) -> None:
    assert (one.as_of, one.n_items) == (other.as_of, other.n_items)
    for name in ARRAYS:
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype, name
        np.testing.assert_array_equal(left, right, err_msg=name)


def test_an_entry_counts_weighs_and_dates_what_a_user_did_to_an_item() -> None:
    bought = frame([("ben", "c", 3), ("ben", "a", 2), ("ben", "c", 1), ("ann", "d", 9)])
    viewed = frame([("ben", "c", 2)], kind="view")
    found = histories(pd.concat([bought, viewed]), USERS, ITEMS, KINDS, NOW)
    assert found.indptr.tolist() == [0, 1, 3, 3]
    assert found.item_rows.tolist() == [3, 0, 2]
    assert found.counts.tolist() == [1, 1, 3]
    assert found.weights.tolist() == [1.0, 1.0, 2.25]
    assert [(NOW - at) / US_PER_DAY for at in found.first_at] == [9, 2, 3]
    assert [(NOW - at) / US_PER_DAY for at in found.last_at] == [9, 2, 1]
    assert [getattr(found, name).dtype for name in ARRAYS] == [
        np.int64, np.int32, np.int32, np.float32, np.int64, np.int64,
    ]  # fmt: skip


def test_what_happens_at_the_moment_or_later_is_not_known() -> None:
    later = frame([("ann", "a", 0), ("ann", "b", -1), ("ann", "c", 1 / US_PER_DAY)])
    assert histories(later, USERS, ITEMS, KINDS, NOW).item_rows.tolist() == [2]


def test_other_kinds_users_and_items_are_left_out() -> None:
    known = frame([("ann", "a", 1)])
    others = [frame([("zoe", "a", 1), ("ann", "z", 1)]), frame([("ann", "b", 1)], kind="return")]
    same(histories(pd.concat([known, *others]), USERS, ITEMS, KINDS, NOW), histories(known, USERS, ITEMS, KINDS, NOW))


def test_the_unit_of_the_times_does_not_matter() -> None:
    micro = frame([("ann", "a", 1), ("ben", "b", 2)])
    for unit in ("ns", "ms"):
        other = micro.assign(occurred_at=micro["occurred_at"].dt.as_unit(unit))
        same(histories(other, USERS, ITEMS, KINDS, NOW), histories(micro, USERS, ITEMS, KINDS, NOW))


events = st.lists(
    st.tuples(st.sampled_from(USERS.ids), st.sampled_from(ITEMS.ids), st.integers(1, 9), st.sampled_from(["x", "y"])),
    max_size=30,
)


def world(rows: list[tuple[str, str, int, str]]) -> pd.DataFrame:
    out = frame([(user, item, days) for user, item, days, _ in rows])
    return out.assign(kind=pd.Series([kind for *_, kind in rows], dtype="str"))


ODD = {"x": 0.1, "y": 1 / 3}  # sums of these depend on their order


@settings(max_examples=60, deadline=None)
@given(rows=events, order=st.randoms(use_true_random=False))
def test_the_order_of_the_interactions_changes_no_bit(rows: list[tuple[str, str, int, str]], order: object) -> None:
    mixed = list(rows)
    order.shuffle(mixed)  # type: ignore[attr-defined]
    same(histories(world(mixed), USERS, ITEMS, ODD, NOW), histories(world(rows), USERS, ITEMS, ODD, NOW))


@settings(max_examples=60, deadline=None)
@given(rows=events, day=st.integers(1, 9))
def test_a_history_and_the_events_since_are_to_the_bit_the_history_of_all(
    rows: list[tuple[str, str, int, str]], day: int
) -> None:
    cut = NOW - day * US_PER_DAY + 1
    everything, before = world(rows), histories(world(rows), USERS, ITEMS, ODD, cut)
    whole = histories(everything, USERS, ITEMS, ODD, NOW)
    for row, user in enumerate(USERS.ids):
        since = everything[(everything["user_id"] == user)]
        at = since["occurred_at"].dt.as_unit("us").astype("int64").to_numpy()
        new = at >= cut
        again = with_events(
            of_users(before, np.array([row])),
            ITEMS.rows(since["item_id"])[new],
            since["kind"].map(ODD).to_numpy(np.float32)[new],
            at[new],
            NOW,
        )
        same(again, of_users(whole, np.array([row])))


def test_nobody_has_done_nothing_yet() -> None:
    same(no_history(4, NOW), of_users(histories(frame([("ann", "a", 1)]), USERS, ITEMS, KINDS, NOW), np.array([2])))


@settings(max_examples=60, deadline=None)
@given(rows=events, asked=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=12))
def test_find_gives_the_entry_of_a_pair_or_minus_one(
    rows: list[tuple[str, str, int, str]], asked: list[tuple[int, int]]
) -> None:
    all_users = histories(world(rows), USERS, ITEMS, ODD, NOW)
    entries = find(all_users, np.array([u for u, _ in asked], int), np.array([i for _, i in asked], int))
    at = {pair: n for n, pair in enumerate(zip(all_users.user_rows, all_users.item_rows, strict=True))}
    assert entries.tolist() == [at.get(pair, -1) for pair in asked]


@settings(max_examples=60, deadline=None)
@given(rows=events, kept=st.lists(st.booleans(), min_size=12, max_size=12))
def test_select_keeps_the_users_and_the_marked_entries(rows: list[tuple[str, str, int, str]], kept: list[bool]) -> None:
    all_users = histories(world(rows), USERS, ITEMS, ODD, NOW)
    mask = np.array(kept[: len(all_users.item_rows)], bool)
    part = select(all_users, mask)
    assert len(part) == len(all_users)
    assert list(zip(part.user_rows, part.item_rows, strict=True)) == list(
        zip(all_users.user_rows[mask], all_users.item_rows[mask], strict=True)
    )


@pytest.mark.parametrize("rows", [[], [2], [2, 0], [1, 1]])
def test_of_users_gives_the_users_asked_for_in_that_order(rows: list[int]) -> None:
    all_users = histories(frame([("ann", "a", 1), ("cem", "b", 1), ("cem", "d", 1)]), USERS, ITEMS, KINDS, NOW)
    own = {0: [0], 1: [], 2: [1, 3]}
    part = of_users(all_users, np.array(rows, int))
    assert [part.item_rows[s:e].tolist() for s, e in zip(part.indptr, part.indptr[1:], strict=False)] == [
        own[row] for row in rows
    ]
