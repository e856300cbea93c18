"""The ranker's input: known values, and the same bits in any company."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nextpick.features.affinity import LAST_ITEMS
from nextpick.features.histories import Histories, histories, of_users
from nextpick.features.items import item_table
from nextpick.features.pair import Pool, feature_names, pair_features
from nextpick.idmap import IdMap
from tests.worlds import KINDS, NOW, catalogue, frame, joined

USERS, ITEMS = IdMap(("ann", "ben", "cem")), IdMap(("a", "b", "c", "d"))
GENERATORS = ("als", "buy_again")
VECTORS = np.array([[1, 0], [0.6, 0.8], [0, 1], [np.nan, np.nan]], np.float32)  # of a, b, c and d, which nobody knew
EVENTS = frame(
    [
        ("ann", "a", 20),
        ("ann", "a", 10),
        ("ann", "a", 4),
        ("ann", "b", 2),
        ("ann", "b", 2),
        ("ben", "c", 1),
        ("ben", "d", 1.5),
    ]
)
TABLE = item_table(EVENTS, catalogue(list(ITEMS.ids), [1.0, 10.0, np.nan, 0.0]), ITEMS, NOW)
HISTORIES = histories(EVENTS, USERS, ITEMS, KINDS, NOW)


def pool(users: list[int], items: list[int]) -> Pool:
    n = len(users)
    scores = np.arange(2 * n, dtype=np.float32).reshape(n, 2)
    ranks = np.tile(np.array([[3, -1]], np.int16), (n, 1))
    return Pool(np.array(users, np.int32), np.array(items, np.int32), scores, ranks, GENERATORS, VECTORS)


def of(user: int, item: int) -> dict[str, float]:
    row = pair_features(pool([user], [item]), HISTORIES, TABLE, NOW)[0]
    return dict(zip(feature_names(GENERATORS), row.tolist(), strict=True))


def test_a_generator_gives_its_score_and_its_rank_and_one_that_only_reads_the_history_nothing() -> None:
    names = feature_names(("popular", "buy_again", "als"))
    assert names[:4] == ("popular_score", "popular_rank", "als_score", "als_rank")
    assert not [name for name in names if name.startswith("buy_again")]
    assert (of(0, 0)["als_score"], of(0, 0)["als_rank"]) == (0, 3)


def test_a_generator_that_did_not_propose_the_item_has_no_rank() -> None:
    one = Pool(np.zeros(1, np.int32), np.zeros(1, np.int32), np.ones((1, 1), np.float32), np.array([[-1]], np.int16),
               ("als",))  # fmt: skip
    row = pair_features(one, HISTORIES, TABLE, NOW, ("als_score", "als_rank"))
    np.testing.assert_array_equal(row, [[1.0, np.nan]])


def test_an_own_item_is_known_by_count_time_and_interval() -> None:
    own = of(0, 0)
    assert own["own_count"] == 3
    assert own["own_share"] == pytest.approx(3 / 5)
    assert own["own_per_day"] == pytest.approx(3 / 3)  # first or last days: 20, 4 and 2 ago
    assert own["own_idle_days"] == pytest.approx(4)
    assert own["own_behind_days"] == pytest.approx(2)
    assert own["own_interval_days"] == pytest.approx(8)
    assert own["own_due"] == pytest.approx(0.5)
    assert own["own_pull"] == pytest.approx(3 * 2 ** (-4 / 120))
    assert own["own_place"] == 0
    assert of(0, 1)["own_place"] == 1
    assert own["own_skipped_days"] == 1  # the day of b
    assert of(0, 1)["own_skipped_days"] == 0


def test_what_is_popular_now_adds_to_a_pull_and_may_turn_the_order() -> None:
    """b was taken twice this week, a once: with two more purchases' worth of that, ann's b comes before her a."""
    a, b, c = of(0, 0), of(0, 1), of(0, 2)
    assert a["own_pull_now"] == pytest.approx(a["own_pull"] + 2 * 1 / 2)
    assert b["own_pull_now"] == pytest.approx(b["own_pull"] + 2 * 2 / 2)
    assert c["own_pull_now"] == pytest.approx(2 * 1 / 2)
    assert (a["own_place_now"], b["own_place_now"]) == (1, 0)
    assert np.isnan(c["own_place_now"])


def test_two_at_once_have_an_interval_of_nothing_and_are_not_due() -> None:
    own = of(0, 1)
    assert own["own_interval_days"] == 0
    assert np.isnan(own["own_due"])


def test_an_item_the_user_lacks_counts_nothing_and_has_no_time() -> None:
    other = of(0, 2)
    assert (other["own_count"], other["own_pull"]) == (0, 0)
    assert np.isnan([other[name] for name in ("own_share", "own_idle_days", "own_due", "own_place")]).all()


def test_a_user_is_known_by_size_and_age_of_the_history() -> None:
    ann = of(0, 2)
    assert (ann["user_items"], ann["user_interactions"], ann["user_days"]) == (2, 5, 3)
    assert ann["user_idle_days"] == pytest.approx(2)
    assert ann["user_tenure_days"] == pytest.approx(20)
    assert ann["user_items_per_interaction"] == pytest.approx(2 / 5)
    assert ann["user_interactions_per_day"] == pytest.approx(5 / 3)
    assert (ann["user_last_items"], ann["user_last_new_share"]) == (1, 1)
    assert ann["user_due"] == pytest.approx(2 / (1 + 18 / 2))


def test_a_category_is_near_by_its_share_and_its_last_time() -> None:
    """The categories are the items' first letters: each item is alone in its own."""
    assert of(0, 0)["category_share"] == pytest.approx(1 / 2)
    assert of(0, 0)["category_idle_days"] == pytest.approx(4)
    assert of(0, 2)["category_share"] == 0
    assert np.isnan(of(0, 2)["category_idle_days"])


def test_an_item_in_a_finest_category_of_several_speaks_for_the_others_in_it() -> None:
    known = catalogue(list(ITEMS.ids))
    known["categories"] = [["food", "tea"], ["food", "rice"], ["drinks", "tea"], []]
    table = item_table(EVENTS, known, ITEMS, NOW)
    names = ("category_share", "category_idle_days")
    found = pair_features(pool([0, 0], [2, 3]), HISTORIES, table, NOW, names)
    np.testing.assert_allclose(found, [[1 / 2, 4], [np.nan, np.nan]], rtol=1e-6)


def test_an_item_is_similar_by_the_cosines_to_the_latest_ones_but_itself() -> None:
    """ann took b, then before that a."""
    c, a = of(0, 2), of(0, 0)
    assert c["similar_max"] == pytest.approx(0.8)
    assert c["similar_mean"] == pytest.approx((0.8 + 0) / 2)
    assert (a["similar_max"], a["similar_mean"]) == (pytest.approx(0.6), pytest.approx(0.6))
    unknown = of(0, 3)
    assert np.isnan([unknown["similar_max"], unknown["similar_mean"], of(2, 0)["similar_max"]]).all()


def test_only_the_latest_items_speak_for_what_is_similar() -> None:
    users, items = IdMap(("ann",)), IdMap(tuple(f"i{n:02}" for n in range(LAST_ITEMS + 2)))
    events = frame([("ann", id_, n + 1.0) for n, id_ in enumerate(items.ids[:-1])])
    vectors = np.zeros((len(items), 2), np.float32)
    vectors[:, 0] = 1
    vectors[LAST_ITEMS] = vectors[LAST_ITEMS + 1] = (0, 1)  # the oldest, and one never taken that is like it alone
    known = histories(events, users, items, KINDS, NOW)
    one = Pool(np.zeros(1, np.int32), np.array([LAST_ITEMS + 1], np.int32), np.ones((1, 1), np.float32),
               np.zeros((1, 1), np.int16), ("als",), vectors)  # fmt: skip
    table = item_table(events, catalogue(list(items.ids)), items, NOW)
    assert pair_features(one, known, table, NOW, ("similar_max",)).tolist() == [[0.0]]


def test_features_of_similarity_need_vectors() -> None:
    bare = replace(pool([0], [0]), vectors=None)
    with pytest.raises(KeyError, match="similar_max"):
        pair_features(bare, HISTORIES, TABLE, NOW)
    assert "similar_max" not in feature_names(("popular", "buy_again"))


def test_prices_are_compared_by_their_logs_and_unknown_or_none_are_unknown() -> None:
    assert of(0, 0)["user_log_price"] == pytest.approx(np.log(10) / 2)
    assert of(0, 1)["own_log_price_gap"] == pytest.approx(np.log(10) / 2)
    assert np.isnan(of(0, 2)["own_log_price_gap"])
    assert np.isnan(of(0, 3)["own_log_price_gap"])
    assert np.isnan(of(1, 0)["user_log_price"])


def test_a_user_without_a_history_is_no_error() -> None:
    nobody = of(2, 0)
    assert (nobody["user_items"], nobody["user_interactions"], nobody["own_count"]) == (0, 0, 0)
    assert np.isnan([nobody["user_idle_days"], nobody["user_log_price"], nobody["own_share"]]).all()
    assert nobody["item_popularity_7d"] == 1


def test_an_empty_pool_has_no_row_and_every_column() -> None:
    assert pair_features(pool([], []), HISTORIES, TABLE, NOW).shape == (0, len(feature_names(GENERATORS)))


def test_features_are_float32_rows_in_the_order_asked_for() -> None:
    asked = ("own_count", "als_score", "item_price")
    found = pair_features(pool([0, 1], [1, 2]), HISTORIES, TABLE, NOW, asked)
    assert found.dtype == np.float32
    assert found.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(found, np.array([[2, 0, 10], [1, 2, np.nan]], np.float32))


def test_a_feature_nobody_knows_is_refused() -> None:
    with pytest.raises(KeyError, match="charisma"):
        pair_features(pool([0], [0]), HISTORIES, TABLE, NOW, ("charisma",))


pairs = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=12, unique=True)


@settings(max_examples=50, deadline=None)
@given(asked=pairs)
def test_a_users_features_are_the_same_bits_alone_and_in_a_batch(asked: list[tuple[int, int]]) -> None:
    asked = sorted(asked)
    many = pool([user for user, _ in asked], [item for _, item in asked])
    batch = pair_features(many, HISTORIES, TABLE, NOW)
    for user in {user for user, _ in asked}:
        mine = many.user_rows == user
        one = Pool(
            np.zeros(mine.sum(), np.int32),
            many.item_rows[mine],
            many.scores[mine],
            many.ranks[mine],
            GENERATORS,
            VECTORS,
        )
        alone = pair_features(one, of_users(HISTORIES, np.array([user])), TABLE, NOW)
        assert alone.tobytes() == batch[mine].tobytes()


def test_other_users_before_this_one_change_no_bit() -> None:
    rng = np.random.default_rng(1)
    rows = [(f"u{rng.integers(40)}", f"i{rng.integers(30):02}", float(rng.integers(1, 90))) for _ in range(2000)]
    users, items = IdMap.fit(f"u{n}" for n in range(40)), IdMap.fit(f"i{n:02}" for n in range(30))
    events = frame(rows)
    table = item_table(events, catalogue(list(items.ids), rng.random(30).tolist()), items, NOW)
    everybody = histories(events, users, items, KINDS, NOW)
    last = of_users(everybody, np.array([39]))
    ids = np.arange(30, dtype=np.int32)
    scores, ranks = np.zeros((30, 1), np.float32), np.zeros((30, 1), np.int16)
    vectors = rng.normal(size=(30, 64)).astype(np.float32)

    def features(known: Histories, user: int) -> bytes:
        return pair_features(
            Pool(np.full(30, user, np.int32), ids, scores, ranks, ("als",), vectors), known, table, NOW
        ).tobytes()

    assert features(everybody, 39) == features(last, 0) == features(joined(last, last), 1)
