"""Lists computed in blocks are those computed at once, and the best of each user's pool."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from nextpick.features.histories import histories, of_users
from nextpick.features.items import item_table
from nextpick.features.pair import pair_features
from nextpick.idmap import IdMap
from nextpick.models.bundle import Bundle, load_bundle
from nextpick.models.pool import build_pool
from nextpick.release.lookup import microseconds
from nextpick.release.precompute import Inputs, ListBlock, item_rows, list_blocks
from tests.published import LAST, Version, catalogue, interactions


@pytest.fixture(scope="module")
def bundle(version: Version) -> Bundle:
    return load_bundle(version.bundle_dir, version.bundle_sha256)


@pytest.fixture(scope="module")
def inputs(bundle: Bundle) -> Inputs:
    """The world as of its end, with one user the bundle never saw and one item hidden."""
    events = interactions()
    events.loc[events.index[-5:], "user_id"] = "zoe"
    users = bundle.users.extended(["zoe"])
    as_of = microseconds(LAST) + 1
    hidden = np.zeros(len(bundle.items), bool)
    hidden[bundle.items.row("tea-03")] = True
    return Inputs(
        users=users,
        histories=histories(events, users, bundle.items, bundle.params.data.kinds, as_of),
        table=item_table(events, catalogue(), bundle.items, as_of),
        hidden=hidden,
    )


def joined(blocks: list[ListBlock]) -> dict[str, tuple[list[int], bytes, bytes, list[int]]]:
    """user -> (item rows, score bytes, generator score bytes, history rows)."""
    out = {}
    for block in blocks:
        for i, user in enumerate(block.user_ids):
            mine = slice(block.starts[i], block.starts[i + 1])
            past = slice(block.histories.indptr[i], block.histories.indptr[i + 1])
            out[user] = (
                block.item_rows[mine].tolist(),
                block.scores[mine].tobytes(),
                block.generator_scores[mine].tobytes() + block.generator_ranks[mine].tobytes(),
                block.histories.item_rows[past].tolist(),
            )
    return out


@pytest.mark.parametrize("size", [1, 7, 24, 25, 26])
def test_the_size_of_a_block_changes_no_bit(bundle: Bundle, inputs: Inputs, size: int) -> None:
    assert joined(list(list_blocks(bundle, inputs, size))) == joined(list(list_blocks(bundle, inputs)))


def test_memory_grows_with_the_block_and_not_with_the_users(bundle: Bundle, inputs: Inputs) -> None:
    def peak(users: int, size: int, threads: int = 1) -> int:
        rows = np.arange(users) % len(inputs.users)
        many = replace(
            inputs,
            users=IdMap(tuple(f"u{n:05}" for n in range(users))),
            histories=of_users(inputs.histories, rows),
        )
        tracemalloc.start()
        try:
            for _ in list_blocks(bundle, many, size, threads):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(64, 64)  # what is made once, is made
    few, many, large = peak(512, 64), peak(4096, 64), peak(512, 256)
    assert many < 1.2 * few
    assert large > 2 * few
    assert peak(4096, 64, threads=2) < 3 * few  # as many blocks at once as threads, and one with the caller


def test_every_user_has_a_list_and_new_ones_come_last(bundle: Bundle, inputs: Inputs) -> None:
    lists = joined(list(list_blocks(bundle, inputs)))
    assert tuple(lists) == inputs.users.ids
    assert list(lists)[-1] == "zoe"
    assert all(rows for rows, *_ in lists.values())


def test_a_hidden_item_is_in_no_list(bundle: Bundle, inputs: Inputs) -> None:
    hidden = bundle.items.row("tea-03")
    assert all(hidden not in rows for rows, *_ in joined(list(list_blocks(bundle, inputs))).values())


def test_a_list_is_the_best_of_the_users_own_pool(bundle: Bundle, inputs: Inputs) -> None:
    lists = joined(list(list_blocks(bundle, inputs)))
    sizes = dict(bundle.params.pool)
    for row, user in enumerate(inputs.users.ids):
        rows = np.array([row], np.int32)
        pool = build_pool(bundle.generators, sizes, rows, inputs.histories, "allow", inputs.hidden)
        scores = bundle.ranker.predict(pair_features(pool, inputs.histories, inputs.table, inputs.histories.as_of))
        best = sorted(range(len(scores)), key=lambda i: (-scores[i], pool.item_rows[i]))[: bundle.params.lists.size]
        assert lists[user][0] == pool.item_rows[best].tolist()
        assert lists[user][1] == np.asarray(scores)[best].astype(np.float32).tobytes()


def test_items_without_a_price_have_none(bundle: Bundle, inputs: Inputs) -> None:
    rows = item_rows(bundle.items, inputs.table)
    assert rows[0][:5] == (0, "tea-00", "Tea Number 00", ["tea"], 3.0)
    assert len(rows[0][5]) == inputs.table.features.shape[1]
