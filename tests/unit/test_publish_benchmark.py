"""The benchmark's readers know a torn list from a whole one."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from benchmarks.yardstick.readers import fits

CUTOFF = datetime(2025, 11, 12, tzinfo=UTC)
WHOLE: dict[str, Any] = {
    "release_id": 1,
    "cutoff": CUTOFF,
    "item_rows": np.array([4, 2]),
    "scores": np.array([120.5, 120.25]),
    "generator_scores": np.zeros(6),
    "generator_ranks": np.zeros(6),
    "history_rows": np.zeros(3),
    "history_counts": np.zeros(3),
    "history_weights": np.zeros(3),
    "history_first": np.zeros(3),
    "history_last": np.zeros(3),
    "title": "Item 4 120",
}
NONE = {name: np.zeros(0) for name in ("item_rows", "scores", "generator_scores", "generator_ranks")}


def test_a_whole_list_fits_also_where_it_is_empty() -> None:
    assert fits(tuple(WHOLE.values()))
    assert fits(tuple({**WHOLE, **NONE, "title": None}.values()))


@pytest.mark.parametrize(
    "torn",
    [
        {"item_rows": None},
        {"scores": np.array([120.5])},
        {"scores": np.array([120.5, 110.25])},
        {"generator_ranks": np.zeros(4)},
        {"generator_scores": np.zeros(5), "generator_ranks": np.zeros(5)},
        {"history_last": np.zeros(2)},
        {"title": None},
        {"title": "Item 4 110"},
        {"cutoff": datetime(2025, 11, 11, tzinfo=UTC)},
    ],
)
def test_a_torn_one_does_not(torn: dict[str, Any]) -> None:
    assert not fits(tuple({**WHOLE, **torn}.values()))
