"""Every user's list, from one bundle as of one moment, in blocks of users so that memory stays bounded."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from nextpick.features.histories import Histories, of_users
from nextpick.features.items import ItemTable
from nextpick.features.pair import Pool, pair_features
from nextpick.idmap import IdMap
from nextpick.models.bundle import Bundle
from nextpick.models.pool import build_pool
from nextpick.release.list_block import ListBlock

USERS_PER_BLOCK = 256  # x some 400 candidates x 50 features x 4 bytes, 20 MB, and up to pool.MEMORY, for each thread
THREADS = 2  # NumPy and what numba compiles let go of the interpreter; one more computes while one block is written


@dataclass(frozen=True)
class Inputs:
    """What lists are made from: `users` names the rows of `histories`; `table` and `histories` are as of the cutoff.

    `hidden` is a bool mask over the bundle's items, True where an item may not be shown.
    """

    users: IdMap
    histories: Histories
    table: ItemTable
    hidden: np.ndarray


def list_blocks(
    bundle: Bundle, inputs: Inputs, users_per_block: int = USERS_PER_BLOCK, threads: int = THREADS
) -> Iterator[ListBlock]:
    """Lists of all users of `inputs.users`, in row order; no bit depends on the size of a block or the threads.

    Within a list items go by the ranker's score, best first; ties go to the lower item row. No more than threads + 1
    blocks are in memory, one of them the caller's.
    """
    ahead: deque[Future[ListBlock]] = deque()
    pool = ThreadPoolExecutor(threads, "lists")
    try:
        for start in range(0, len(inputs.users), users_per_block):
            rows = np.arange(start, min(start + users_per_block, len(inputs.users)), dtype=np.int32)
            ahead.append(pool.submit(_block, bundle, inputs, rows))
            if len(ahead) == threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def item_rows(items: IdMap, table: ItemTable) -> list[tuple[int, str, str, list[str], float | None, list[float]]]:
    """The rows of `release_items`: (item_row, item_id, title, categories, price or None, features)."""
    prices: Sequence[float] = table.prices.tolist()
    features: Sequence[list[float]] = table.features.tolist()
    return [
        (row, item_id, table.titles[row], list(table.categories[row]), _known(prices[row]), features[row])
        for row, item_id in enumerate(items.ids)
    ]


def _block(bundle: Bundle, inputs: Inputs, rows: np.ndarray) -> ListBlock:
    params = bundle.params
    policy = params.scenarios["default"].seen_policy
    pool = build_pool(
        bundle.generators,
        bundle.sizes,
        rows,
        inputs.histories,
        policy,
        inputs.hidden,
    )
    features = pair_features(pool, inputs.histories, inputs.table, inputs.histories.as_of, bundle.features)
    scores = bundle.ranker.predict(features)
    kept, starts = _best(pool, scores, rows, params.lists.size)
    return ListBlock(
        user_ids=tuple(inputs.users.ids[row] for row in rows),
        starts=starts,
        item_rows=pool.item_rows[kept],
        scores=scores[kept].astype(np.float32),
        generator_scores=pool.scores[kept],
        generator_ranks=pool.ranks[kept],
        histories=of_users(inputs.histories, rows),
    )


def _best(pool: Pool, scores: np.ndarray, rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the pool of each user's best `size` items, users in the order of `rows`, and where each starts."""
    users = pool.user_rows - rows[0]
    sizes = np.bincount(users, minlength=len(rows))
    first = np.cumsum(sizes) - sizes
    table = np.full((len(rows), int(sizes.max())), np.inf)
    table[users, np.arange(len(scores)) - first[users]] = -scores
    order = np.argsort(table, axis=1, kind="stable")[:, :size]  # a user's items ascend, so ties go to the lower
    wanted = np.arange(order.shape[1]) < sizes[:, None]
    kept = (order + first[:, None])[wanted]
    return kept, np.append(0, np.minimum(sizes, size).cumsum()).astype(np.int64)


def _known(price: float) -> float | None:
    return None if price != price else float(price)
