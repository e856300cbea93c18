"""The compiled features are those of NumPy to the bit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.features import pair
from nextpick.features.histories import Histories, histories, of_users
from nextpick.features.items import ItemTable, item_table
from nextpick.features.pair import Pool, feature_names, pair_features
from nextpick.idmap import IdMap
from nextpick.models import trees
from nextpick.schema import US_PER_DAY
from tests.worlds import KINDS, NOW, catalogue, frame

GENERATORS = ("als", "buy_again", "popular")
N_USERS, N_ITEMS = 12, 25
USERS, ITEMS = IdMap.fit(f"u{n:02}" for n in range(N_USERS)), IdMap.fit(f"i{n:02}" for n in range(N_ITEMS))


@pytest.fixture(autouse=True)
def none_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair, "_kernel", None)


def world(seed: int) -> tuple[Histories, ItemTable]:
    """Some users have nothing, some much, many things happen at once; an item in five has no price or category."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"u{rng.integers(N_USERS - 2):02}", f"i{min(int(rng.exponential(6)), 24):02}", float(rng.integers(1, 60) / 2))
        for _ in range(int(rng.integers(1, 400)))
    ]
    prices = [float(rng.choice([0.0, np.nan, 1.5, 20.0, 3.3])) for _ in range(N_ITEMS)]
    known = catalogue(list(ITEMS.ids), prices)
    known["categories"] = [["all", f"c{n}"] if (n := rng.integers(5)) else [] for _ in range(N_ITEMS)]
    events = frame(rows)
    return histories(events, USERS, ITEMS, KINDS, NOW), item_table(events, known, ITEMS, NOW)


def candidates(seed: int, users: list[int], vectors: bool = True) -> Pool:
    rng = np.random.default_rng(seed)
    user_rows = np.sort(rng.choice(users, 80)).astype(np.int32)
    scores = rng.normal(size=(80, 3)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.2] = np.nan
    factors = rng.normal(size=(N_ITEMS, 64)).astype(np.float32)
    factors[rng.random(N_ITEMS) < 0.2] = np.nan
    ranks = rng.integers(-1, 300, (80, 3)).astype(np.int16)
    items = rng.integers(0, N_ITEMS, 80).astype(np.int32)
    if not vectors:
        return Pool(user_rows, items, scores, ranks, ("ease", *GENERATORS[1:]))
    return Pool(user_rows, items, scores, ranks, GENERATORS, factors)


def both(pool: Pool, known: Histories, table: ItemTable, later: int = 0, wanted: tuple[str, ...] | None = None) -> None:
    asked = pool, known, table, known.as_of + later, wanted
    pair.use(None)
    plain = pair_features(*asked)
    engine = Counting()
    pair.use(engine)
    assert pair_features(*asked).tobytes() == plain.tobytes()
    assert engine.answered == 1


class Counting:
    """The kernel, and how often it had an answer."""

    def __init__(self) -> None:
        assert trees.compiled() is not None
        from nextpick.models.compiled import pairs

        self.kernel, self.answered = pairs, 0

    def features(self, *asked):  # type: ignore[no-untyped-def]
        found = self.kernel.features(*asked)
        self.answered += found is not None
        return found


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), vectors=st.booleans(), later=st.sampled_from([0, 1, 3 * US_PER_DAY]))
def test_of_many_users(seed: int, vectors: bool, later: int) -> None:
    both(candidates(seed, list(range(N_USERS)), vectors), *world(seed), later)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), user=st.integers(0, N_USERS - 1))
def test_of_one_user_as_at_a_request(seed: int, user: int) -> None:
    known, table = world(seed)
    both(candidates(seed, [0]), of_users(known, np.array([user])), table)


def test_of_some_features_in_another_order() -> None:
    wanted = ("similar_max", "popular_rank", "own_place_now", "item_price", "user_due", "category_share", "als_score")
    both(candidates(3, [0, 1, 2]), *world(3), 0, wanted)


def test_however_the_arrays_lie_in_memory() -> None:
    known, table = world(4)
    pool = candidates(4, [1, 2])
    odd = replace(pool, scores=np.asfortranarray(pool.scores), item_rows=np.repeat(pool.item_rows, 2)[::2])
    both(odd, known, replace(table, features=np.asfortranarray(table.features)))


def test_what_it_does_not_compute_is_left_to_numpy() -> None:
    known, table = world(5)
    engine = Counting()
    pair.use(engine)
    names = (*feature_names(GENERATORS), "own_pull_60d")
    assert pair_features(candidates(5, [0, 1]), known, table, NOW, names).shape == (80, len(names))
    with pytest.raises(KeyError, match="charisma"):
        pair_features(candidates(5, [0]), known, table, NOW, ("charisma",))
    with pytest.raises(KeyError, match="similar_max"):
        pair_features(candidates(5, [0], vectors=False), known, table, NOW, ("similar_max",))
    assert engine.answered == 0


def test_an_empty_pool_has_no_row() -> None:
    known, table = world(6)
    none = np.empty(0, np.int32)
    scores, ranks = np.empty((0, 3), np.float32), np.empty((0, 3), np.int16)
    both(Pool(none, none, scores, ranks, ("ease", *GENERATORS[1:])), known, table)
