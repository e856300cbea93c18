"""Lists made by hand: every user of a generation has the same best score, so that a mixture would show."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from nextpick.features.histories import Histories
from nextpick.release.precompute import ListBlock
from nextpick.release.publish import Draft

USERS, ITEMS, BLOCK = 40, 5, 10


def draft() -> Draft:
    """Five items; the first has a title that a careless COPY would break."""
    items = [(n, f"i{n}", "", [], None, [float(n), 0.1]) for n in range(ITEMS)]
    items[0] = (0, "i0", 'a "title", with\ttab', ["c", "d e"], 1.5, [0.0, 0.1])  # type: ignore[list-item]
    return Draft("v", "somewhere", "0" * 64, datetime(2025, 11, 12, tzinfo=UTC), {"git_sha": "x"}, items)


def blocks(score: float) -> Iterator[ListBlock]:
    """USERS users in blocks: three items each scored `score` downwards, but user 0 of everything has nothing."""
    for first in range(0, USERS, BLOCK):
        yield _block(range(first, first + BLOCK), score)


def _block(users: range, score: float) -> ListBlock:
    sizes = np.array([0 if user == 0 else 3 for user in users])
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    has = sizes > 0
    n = int(has.sum())
    scores = np.tile(np.array([0, -0.5, -1], np.float32) + np.float32(score), n)
    history = np.concatenate([[0], np.cumsum(np.where(has, 2, 0))]).astype(np.int64)
    return ListBlock(
        user_ids=tuple(f"юзер {user}" for user in users),
        starts=starts,
        item_rows=np.tile(np.array([3, 2, 1], np.int32), n),
        scores=scores,
        generator_scores=np.stack([scores, np.full(len(scores), np.nan, np.float32)], axis=1),
        generator_ranks=np.tile(np.array([[0, -1], [1, -1], [2, -1]], np.int16), (n, 1)),
        histories=Histories(
            as_of=4 * 10**15,
            n_items=ITEMS,
            indptr=history,
            item_rows=np.tile(np.array([1, 4], np.int32), n),
            counts=np.tile(np.array([3, 1], np.int32), n),
            weights=np.tile(np.array([3.5, 1.0], np.float32), n),
            first_at=np.tile(np.array([10**15, 2 * 10**15]), n),
            last_at=np.tile(np.array([3 * 10**15, 2 * 10**15]), n),
        ),
    )
