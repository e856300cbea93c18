"""Slices: who and what is in each."""

import numpy as np
import pytest

from nextpick.data.snapshot import Snapshot
from nextpick.data.split import Windows
from nextpick.evaluation.slices import MEANINGS, slices, thirds
from nextpick.features.holdout import Holdout, holdout
from nextpick.schema import US_PER_DAY
from tests.worlds import NOW, catalogue, frame, params

TEST, LABEL = NOW - 10 * US_PER_DAY, NOW - 20 * US_PER_DAY


@pytest.fixture(scope="module")
def held() -> Holdout:
    """User ui has i items (u0 none) from before the test; everybody then takes a0 and, of the test's own time, new."""
    rows = [(f"u{i}", f"a{n}", 50.0) for i in range(7) for n in range(i)]
    rows += [("z", "late", 12.0)] + [(f"u{i}", item, 5.0) for i in range(7) for item in ("a0", "new", "late")]
    items = [*(f"a{n}" for n in range(6)), "new", "late"]
    snapshot = Snapshot.of(frame(rows), catalogue(items), Windows((LABEL,), TEST, NOW), "md5")
    return holdout(snapshot, params(), TEST, NOW)


def users(held: Holdout, marked: np.ndarray) -> set[int]:
    return set(held.relevant.user_rows[marked].tolist())


def test_users_are_told_by_the_items_they_had(held: Holdout) -> None:
    found = slices(held)
    assert thirds(held) == pytest.approx((1 + 5 / 3, 1 + 10 / 3))
    assert {name: users(held, found[name]) for name in ("cold", "light", "medium", "heavy")} == {
        "cold": {0},
        "light": {1, 2},
        "medium": {3, 4},
        "heavy": {5, 6},
    }
    assert users(held, found["all"]) == set(range(7))
    assert users(held, found["warm"]) == set(range(1, 7))


def test_items_are_told_by_their_age_and_by_whether_the_user_had_them(held: Holdout) -> None:
    found, item_rows = slices(held), held.relevant.item_rows
    new, late, old = 7, 6, 0  # rows: a0 .. a5, late, new
    assert set(item_rows[found["new_items"]].tolist()) == {new, late}
    first = found["first_time"]
    assert set(item_rows[first].tolist()) == {new, late, old}
    assert set(held.relevant.user_rows[first & (item_rows == old)].tolist()) == {0}  # the others have a0


def test_a_slice_without_users_is_left_out_and_each_has_its_meaning(held: Holdout) -> None:
    nobody = Holdout(held.histories, held.table, held.histories, held.users)  # all of it taken before
    assert "first_time" not in slices(nobody)
    assert list(slices(held)) == list(MEANINGS)
