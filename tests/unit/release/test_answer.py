"""An answer keeps its promises whatever the list, the history, the hidden items and k."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.features.histories import histories, no_history
from nextpick.features.items import ITEM_FEATURES, item_table, popularity_order
from nextpick.models.bundle import load_bundle
from nextpick.params import ListParams
from nextpick.release.answer import answer, reasons
from nextpick.release.loaded import ListRow, Loaded, Since
from nextpick.release.lookup import microseconds
from nextpick.release.precompute import Inputs, ListBlock, list_blocks
from nextpick.release.wanted import Wanted
from tests.published import LAST, Version, catalogue, interactions

N = 30


def loaded_world(version: Version, size: int) -> tuple[Loaded, ListBlock]:
    """A release in memory, and the lists of all its users, `size` items long at most."""
    bundle = load_bundle(version.bundle_dir)
    bundle = replace(bundle, params=bundle.params.model_copy(update={"lists": ListParams(size=size)}))
    as_of = microseconds(LAST) + 1
    events = interactions()
    inputs = Inputs(
        users=bundle.users,
        histories=histories(events, bundle.users, bundle.items, bundle.params.data.kinds, as_of),
        table=item_table(events, catalogue(), bundle.items, as_of),
        hidden=np.zeros(len(bundle.items), bool),
    )
    popular, ranks = popularity_order(inputs.table)
    loaded = Loaded(1, "1", "default", as_of, bundle, bundle.items, inputs.table, popular, ranks)
    return loaded, next(list_blocks(bundle, inputs, 100))


@pytest.fixture(scope="module", params=[("version", 100), ("excluding", 100), ("version", 6)], ids=str)
def world(request: pytest.FixtureRequest) -> tuple[Loaded, ListBlock]:
    trained, size = request.param
    return loaded_world(request.getfixturevalue(trained), size)


def row_of(block: ListBlock, user: int, loaded: Loaded) -> ListRow:
    mine = slice(block.starts[user], block.starts[user + 1])
    past = slice(block.histories.indptr[user], block.histories.indptr[user + 1])
    history = no_history(len(loaded.items), loaded.cutoff)
    arrays = {
        name: getattr(block.histories, name)[past] for name in ("item_rows", "counts", "weights", "first_at", "last_at")
    }
    indptr = np.array([0, past.stop - past.start], np.int64)
    return ListRow(
        block.item_rows[mine],
        block.scores[mine],
        block.generator_scores[mine],
        block.generator_ranks[mine],
        type(history)(as_of=loaded.cutoff, n_items=history.n_items, indptr=indptr, **arrays),
    )


rows = st.lists(st.integers(0, N - 1), max_size=40)


@settings(max_examples=60, deadline=None)
@given(
    user=st.one_of(st.none(), st.integers(0, 23)), bought=rows, hid=rows, k=st.integers(1, 100), rerank=st.booleans()
)
def test_k_distinct_items_none_hidden_none_seen_and_short_only_where_there_are_no_more(
    world: tuple[Loaded, ListBlock], user: int | None, bought: list[int], hid: list[int], k: int, rerank: bool
) -> None:
    loaded, block = world
    row = None if user is None else row_of(block, user, loaded)
    hidden = np.zeros(N, bool)
    hidden[hid] = True
    at = loaded.cutoff + np.arange(len(bought), dtype=np.int64)
    since = Since(np.array(bought, np.int32), np.ones(len(bought), np.float32), at)
    found = answer(loaded, row, since, Wanted.plain(loaded, k), hidden, rerank=rerank)
    result = found.slots
    given_items = result.item_rows.tolist()
    own = {*bought, *(row.history.item_rows.tolist() if row else ())}
    barred = own if loaded.seen_policy == "exclude" else set()
    showable = set(range(N)) - set(hid) - barred
    if not showable:
        showable = set(range(N)) - set(hid)
    assert len(given_items) == len(set(given_items)) == min(k, len(showable))
    assert set(given_items) <= showable
    assert (
        len(result.sources)
        == len(reasons(loaded, found))
        == len(result.scores)
        == len(result.features)
        == len(given_items)
    )
    assert found.as_of == (loaded.cutoff + len(bought) if bought else loaded.cutoff)
    ranked = np.array([source in ("reranked", "fold_in") for source in result.sources], bool)
    assert not np.isnan(result.scores[ranked]).any()
    for source in ("reranked", "fold_in"):
        assert (np.diff(result.scores[[one == source for one in result.sources]]) <= 0).all()
    assert np.isnan(result.features[~ranked]).all()


def test_without_new_events_the_answer_is_the_list_however_short_it_was_cut(world: tuple[Loaded, ListBlock]) -> None:
    loaded, block = world
    nobody = np.zeros(N, bool)
    for user in range(len(block.user_ids)):
        row = row_of(block, user, loaded)
        result = answer(loaded, row, Since.nothing(), Wanted.plain(loaded, len(row.item_rows)), nobody).slots
        assert result.item_rows.tolist() == row.item_rows.tolist()
        np.testing.assert_array_equal(result.scores, row.scores)


def test_popularity_goes_by_the_week_then_the_month_then_the_row(world: tuple[Loaded, ListBlock]) -> None:
    table = world[0].table
    order, ranks = popularity_order(table)
    week, month = (table.features[:, ITEM_FEATURES.index(name)] for name in ("popularity_7d", "popularity_28d"))
    assert order.tolist() == sorted(range(N), key=lambda i: (-week[i], -month[i], i))
    assert ranks[order].tolist() == [place if week[item] > 0 else -1 for place, item in enumerate(order.tolist())]


def test_only_what_a_generator_proposed_is_suggested_by_it(world: tuple[Loaded, ListBlock]) -> None:
    """A rank beyond what the generator gives the pool is no proposal, and one's own or popular items are no taste."""
    loaded, block = world
    params = loaded.bundle.params.model_copy(update={"pool": dict.fromkeys(loaded.bundle.params.pool, 2)})
    few = replace(loaded, bundle=replace(loaded.bundle, params=params))
    taste = [at for at, name in enumerate(few.bundle.generators) if name not in ("buy_again", "popular")]
    said, other = 0, 0
    for user in range(len(block.user_ids)):
        found = answer(loaded, row_of(block, user, loaded), Since.nothing(), Wanted.plain(loaded, N), np.zeros(N, bool))
        own = set(found.history.item_rows.tolist())
        for item, ranks, why in zip(
            found.slots.item_rows.tolist(), found.slots.ranks, reasons(few, found), strict=True
        ):
            if item not in own:
                proposed = any(0 <= ranks[at] < 2 for at in taste)
                assert why.startswith("Suggested by what people like you") == proposed, why
                said, other = said + proposed, other + (not proposed)
    assert min(said, other) > 0
