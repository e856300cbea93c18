"""Lists of small random worlds are what one gets by writing every score down and sorting."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.data.split import Windows
from nextpick.features.histories import Histories, histories
from nextpick.features.items import ITEM_FEATURES, ItemTable
from nextpick.features.pair import feature_names
from nextpick.idmap import IdMap
from nextpick.models import candidates
from nextpick.models.bundle import Bundle
from nextpick.models.generator import Generator
from nextpick.models.ranker import Ranker
from nextpick.params import Params
from nextpick.release.list_block import ListBlock
from nextpick.release.precompute import Inputs, list_blocks
from tests.worlds import KINDS, NOW, frame, params

SIZES = {"als": 5, "ease": 4, "item_knn": 4, "bought_together": 3, "buy_again": 3, "popular": 4}
LIST = 7


class Rounded:
    """A ranker of few different scores, so that ties abound; it asks for two features."""

    features = ("als_score", "item_price")

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.asarray(np.round(np.nan_to_num(features[:, 0].astype(np.float64)) * 2) + (features[:, 1] % 3))


def world(seed: int, n_items: int) -> tuple[Histories, IdMap, IdMap]:
    """Users with much the same taste, some who saw everything, and one who has no history."""
    draw = np.random.default_rng(seed)
    n_users = int(draw.integers(2, 12))
    users, items = (IdMap(tuple(f"{kind}{i:03}" for i in range(n))) for kind, n in (("u", n_users), ("i", n_items)))
    rows = [
        (user, items.ids[min(int(item), n_items - 1)], float(draw.integers(1, 9)))  # whole days: equal strengths
        for user in users.ids[:-2]
        for item in draw.exponential(n_items / 4, int(draw.integers(1, 12)))
    ]
    rows += [(users.ids[-2], item, 3.0) for item in items.ids[:-1]]
    return histories(frame(rows), users, items, KINDS, NOW), users, items


def bundle_of(known: Histories, users: IdMap, items: IdMap, policy: str) -> Bundle:
    chosen: Params = params(als={"factors": 3}, lists={"size": LIST}, ease={"regularization": 5.0})
    scenario = chosen.scenarios["default"].model_copy(update={"seen_policy": policy})
    chosen = chosen.model_copy(update={"pool": SIZES, "scenarios": {"default": scenario}})
    prices = np.arange(len(items), dtype=np.float64) % 5
    features = np.zeros((len(items), len(ITEM_FEATURES)), np.float32)
    features[:, ITEM_FEATURES.index("price")] = prices
    table = ItemTable(features, items.ids, ((),) * len(items), prices)
    ranker: Ranker = Rounded()  # type: ignore[assignment]
    windows = Windows((NOW - 2,), NOW - 1, NOW)
    return Bundle(users, items, table, candidates.fit(known, chosen), ranker, chosen, windows, {}, "")


def by_brute_force(
    generators: Mapping[str, Generator], known: Histories, hidden: np.ndarray, policy: str, user: int
) -> list[int]:
    """A user's list, as item rows."""
    own = set(known.item_rows[known.indptr[user] : known.indptr[user + 1]].tolist())
    allowed = [i for i in range(known.n_items) if not hidden[i] and not (policy == "exclude" and i in own)]
    scores = {name: one.scores(known, np.array([user]))[0] for name, one in generators.items()}
    pool = set()
    for name, size in SIZES.items():
        proposed = [i for i in allowed if not np.isnan(scores[name][i])]
        pool |= set(sorted(proposed, key=lambda i: (-scores[name][i], i))[:size])
    seen = np.array([[scores["als"][i], i % 5] for i in sorted(pool)], np.float32).reshape(-1, 2)
    final = dict(zip(sorted(pool), Rounded().predict(seen), strict=True))
    return sorted(pool, key=lambda i: (-final[i], i))[:LIST]


def lists_of(blocks: list[ListBlock]) -> list[list[int]]:
    return [
        block.item_rows[start:end].tolist()
        for block in blocks
        for start, end in zip(block.starts[:-1], block.starts[1:], strict=True)
    ]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), n_items=st.sampled_from([2, 9, 30, 120]), hide=st.sampled_from([0.0, 0.3, 1.0]))
@pytest.mark.parametrize("policy", ["allow", "exclude"])
def test_lists_are_those_of_brute_force(policy: str, seed: int, n_items: int, hide: float) -> None:
    known, users, items = world(seed, n_items)
    bundle = bundle_of(known, users, items, policy)
    hidden = np.random.default_rng(seed).random(n_items) < hide
    expected = [by_brute_force(bundle.generators, known, hidden, policy, user) for user in range(len(users))]
    inputs = Inputs(users, known, bundle.table, hidden)
    for size, threads in ((1, 1), (2, 3), (5, 2), (100, 1)):
        blocks = list(list_blocks(bundle, inputs, size, threads))
        assert lists_of(blocks) == expected
        assert [user for block in blocks for user in block.user_ids] == list(users.ids)


def test_such_worlds_have_what_they_are_to_have() -> None:
    known, users, items = world(1, 30)
    sizes = np.diff(known.indptr)
    assert sizes[-1] == 0
    assert sizes[-2] == len(items) - 1
    bundle = bundle_of(known, users, items, "exclude")
    assert set(Rounded.features) <= set(feature_names(tuple(bundle.generators)))
    lists = lists_of(list(list_blocks(bundle, Inputs(users, known, bundle.table, np.zeros(30, bool)))))
    assert lists[-1]  # nobody knows the last user, and there is what is popular
