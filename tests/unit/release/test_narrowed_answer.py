"""Whatever an answer is narrowed to, it is short only where no more such items exist; pages give each of them once."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.release.answer import answer
from nextpick.release.filters import Filter
from nextpick.release.loaded import Loaded, Since
from nextpick.release.precompute import ListBlock
from nextpick.release.wanted import Wanted
from tests.published import Version
from tests.unit.release.test_answer import N, loaded_world, row_of

SHELVES = ("green", "black", "old", "new", "rare")


@pytest.fixture(scope="module", params=[("version", 100), ("excluding", 100), ("version", 6)], ids=str)
def world(request: pytest.FixtureRequest) -> tuple[Loaded, ListBlock]:
    """As in test_answer, with goods in several categories, at several prices, some at none."""
    trained, size = request.param
    loaded, block = loaded_world(request.getfixturevalue(trained), size)
    draw = np.random.default_rng(3)
    categories = tuple(tuple(name for name in SHELVES if draw.random() < 0.4) for _ in range(N))
    prices = np.where(draw.random(N) < 0.2, np.nan, draw.integers(1, 20, N).astype(float))
    return replace(loaded, table=replace(loaded.table, categories=categories, prices=prices)), block


shelves = st.sampled_from((*SHELVES, "nowhere"))
names = st.lists(shelves, max_size=2).map(tuple)
price = st.none() | st.integers(0, 20).map(float)
filters = st.builds(
    Filter,
    any_of=st.lists(st.lists(shelves, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    all_of=names,
    none_of=names,
    min_price=price,
    max_price=price,
)
rows = st.lists(st.integers(0, N - 1), max_size=40)


def passes(loaded: Loaded, asked: Filter, row: int) -> bool:
    """By the words of Filter, one item at a time."""
    categories, cost = set(loaded.table.categories[row]), loaded.table.prices[row]
    return (
        all(categories & set(group) for group in asked.any_of)
        and set(asked.all_of) <= categories
        and not categories & set(asked.none_of)
        and (asked.min_price is None or cost >= asked.min_price)
        and (asked.max_price is None or cost <= asked.max_price)
    )


def since_of(loaded: Loaded, bought: list[int]) -> Since:
    at = loaded.cutoff + np.arange(len(bought), dtype=np.int64)
    return Since(np.array(bought, np.int32), np.ones(len(bought), np.float32), at)


@settings(max_examples=150, deadline=None)
@given(
    user=st.none() | st.integers(0, 23),
    bought=rows,
    hid=rows,
    not_these=rows,
    asked=filters,
    policy=st.sampled_from(["allow", "exclude"]),
    k=st.integers(1, 40),
    diversity=st.sampled_from([0.0, 0.4, 1.0]),
    exploration=st.sampled_from([0.0, 0.5]),
    rerank=st.booleans(),
)
def test_short_only_where_fewer_exist(
    world: tuple[Loaded, ListBlock],
    user: int | None,
    bought: list[int],
    hid: list[int],
    not_these: list[int],
    asked: Filter,
    policy: str,
    k: int,
    diversity: float,
    exploration: float,
    rerank: bool,
) -> None:
    loaded, block = world
    row = None if user is None else row_of(block, user, loaded)
    hidden = np.zeros(N, bool)
    hidden[hid] = True
    excluded = np.unique(not_these).astype(np.int32)
    wanted = Wanted(k, policy, asked, excluded, diversity, exploration, seed=k)
    found = answer(loaded, row, since_of(loaded, bought), wanted, hidden, rerank=rerank)
    own = {*bought, *(row.history.item_rows.tolist() if row else ())}
    showable = {item for item in range(N) if passes(loaded, asked, item)} - set(hid) - set(not_these)
    seen = own if policy == "exclude" else set()
    if showable - seen or wanted.narrowed:  # else the seen policy yields
        showable -= seen
    given_items = found.slots.item_rows.tolist()
    assert len(given_items) == len(set(given_items)) == min(k, len(showable))
    assert set(given_items) <= showable
    assert len(found.propensities) == len(found.slots.sources) == len(found.slots.ranks) == len(given_items)


@settings(max_examples=40, deadline=None)
@given(user=st.none() | st.integers(0, 23), bought=rows, asked=filters, sizes=st.lists(st.integers(1, 9), min_size=30))
def test_pages_give_every_such_item_once(
    world: tuple[Loaded, ListBlock], user: int | None, bought: list[int], asked: Filter, sizes: list[int]
) -> None:
    loaded, block = world
    row = None if user is None else row_of(block, user, loaded)
    pages: list[int] = []
    for k in sizes:
        wanted = Wanted(k, "allow", asked, np.array(pages, np.int32), onward=bool(pages))
        page = answer(loaded, row, since_of(loaded, bought), wanted, np.zeros(N, bool)).slots.item_rows.tolist()
        pages += page
        if len(page) < k:
            break
    assert len(pages) == len(set(pages))
    assert set(pages) == {item for item in range(N) if passes(loaded, asked, item)}


def test_the_rest_is_chosen_by_the_users_taste_and_only_then_by_popularity(version: Version) -> None:
    loaded, block = loaded_world(version, 6)
    found = answer(loaded, row_of(block, 3, loaded), Since.nothing(), Wanted.plain(loaded, 20), np.zeros(N, bool)).slots
    assert found.sources[:6] == ("reranked",) * 6
    assert found.sources[6] == "fold_in"
    assert set(found.sources) <= {"reranked", "fold_in", "filled"}
    only = Wanted(5, "allow", Filter(any_of=(("tool",),)))
    found = answer(loaded, row_of(block, 3, loaded), Since.nothing(), only, np.zeros(N, bool)).slots
    assert {loaded.items.ids[item][:4] for item in found.item_rows} == {"tool"}  # of which a tea drinker has none


def test_a_strangers_first_events_choose_the_list(version: Version) -> None:
    loaded, _ = loaded_world(version, 100)
    tools = [row for row, item in enumerate(loaded.items.ids) if item in ("tool-03", "tool-05")]
    found = answer(loaded, None, since_of(loaded, tools), Wanted.plain(loaded, 8), np.zeros(N, bool)).slots
    assert set(found.sources) == {"fold_in"}
    assert sum(loaded.items.ids[item].startswith("tool") for item in found.item_rows) >= 6
    assert not np.isnan(found.features).all(axis=1).any()


def test_lists_made_without_what_users_have_are_not_read_where_that_may_be_shown(excluding: Version) -> None:
    loaded, block = loaded_world(excluding, 100)
    row = row_of(block, 3, loaded)
    own = set(row.history.item_rows.tolist())
    assert not own & set(row.item_rows.tolist())
    found = answer(loaded, row, Since.nothing(), Wanted(10, "allow"), np.zeros(N, bool)).slots
    assert set(found.sources) == {"fold_in"}
    assert own & set(found.item_rows.tolist())
